"""One step of the conversion in a process of its own: `python -m conversion.worker REQUEST.json PARENT`.

torch and the exporters hold a gigabyte, may crash, and cannot be interrupted cleanly in-process; here they end with their
step, or with the process PARENT that asked for it. Progress goes to stdout as JSON lines {"progress": text}; the last line is
{"done": {...}} or {"error": {...}}.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core import errors
from core.processes import end_with_parent
from core.progress import Progress

Request = dict[str, Any]
Step = Callable[[Request, Path, Progress], None]

STEPS: Mapping[str, tuple[str, str]] = {
    "describe": ("conversion.checkpoint", "write_facts"),
    "export": ("conversion.export", "write_graphs"),
    "program": ("conversion.export_program", "write_program"),
    "quantise": ("conversion.quantise", "write_int8"),
}
"""Step -> the module that makes it, imported only then, and its function `(request, folder, progress)`."""


def _step(name: str) -> Step:
    module, function = STEPS[name]
    step: Step = getattr(importlib.import_module(module), function)
    return step


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), file=sys.__stdout__, flush=True)


def _progress(text: str) -> None:
    _say({"progress": text})


def main(path: str) -> int:
    """Run the step that the request names; 0 when it worked."""
    request: Request = json.loads(Path(path).read_text("utf-8"))
    try:
        _step(request["step"])(request, Path(request["folder"]), _progress)
    except errors.EthosBenchError as error:
        _say({"error": {"kind": type(error).__name__, "parts": [error.found, error.expected, error.hint]}})
        return error.exit_code
    except OSError as error:
        _say({"error": {"kind": "OSError", "parts": [error.errno, error.strerror, str(error.filename or "")]}})
        return 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    _say({"done": {"peak_bytes": peak}})
    return 0


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(code)  # taking torch apart would need more than a second
