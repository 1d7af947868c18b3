"""One step of the conversion in a process of its own: `python -m conversion.worker REQUEST.json PARENT`.

torch and the exporters hold a gigabyte, may crash, and cannot be interrupted cleanly in-process; here they end with their
step, or with the process PARENT that asked for it. Progress goes to stdout as JSON lines {"progress": text}; the last line is
{"done": {...}} or {"error": {...}}.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversion.variants import BY_NAME
from core import errors
from core.processes import end_with_parent

if TYPE_CHECKING:
    from conversion.checkpoint import LoadedModel

Request = dict[str, Any]

RECT_PADDING = 32
"""Pixels that ultralytics' `rect` validation adds to a square canvas: half a stride of 32 on each side, rounded up."""


def describe(request: Request, folder: Path) -> None:
    """Write facts.json: what the checkpoint is."""
    facts = _load(request).facts
    (folder / "facts.json").write_text(json.dumps(facts.to_json()))


def export(request: Request, folder: Path) -> None:
    """Write float.tflite and float.onnx of the checkpoint at one image size and cut, and float_rect.onnx (raw heads only).

    The latter has the canvas of ultralytics' own validation, which pads by a stride: published accuracy was measured there.
    """
    from conversion import export as exporters
    from conversion.checkpoint import fused

    size, cut = int(request["image_size"]), request["cut"]
    _progress("loading")
    module = exporters.head_module(fused(_load(request)), cut, size)
    _progress("exporting ONNX")
    (folder / "float.onnx").write_bytes(exporters.onnx(module, size, exporters.output_names(cut)))
    if cut == "raw":
        rect = exporters.onnx(module, size + RECT_PADDING, exporters.output_names(cut))
        (folder / "float_rect.onnx").write_bytes(rect)
    _progress("exporting TFLite")
    (folder / "float.tflite").write_bytes(exporters.float_tflite(module, size))


def quantise(request: Request, folder: Path) -> None:
    """Write int8.tflite from float.tflite, calibrated on the images of an .npy file (uint8, N x S x S x 3)."""
    import numpy as np

    from conversion.quantise import RECIPES

    images = np.load(request["images"], mmap_mode="r")
    route = RECIPES[request["recipe"]].route
    _progress(f"quantising ({request['recipe']}, {len(images)} images)")
    (folder / "int8.tflite").write_bytes(route(Path(request["float"]).read_bytes(), images))


STEPS: Mapping[str, Callable[[Request, Path], None]] = {"describe": describe, "export": export, "quantise": quantise}


def _load(request: Request) -> LoadedModel:
    from conversion.checkpoint import SEEDED_IMAGE_SIZE, build_seeded, load_checkpoint

    if request["checkpoint"]:
        return load_checkpoint(Path(request["checkpoint"]))
    return build_seeded(BY_NAME[request["seeded"]], int(request.get("image_size") or SEEDED_IMAGE_SIZE))


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), file=sys.__stdout__, flush=True)


def _progress(text: str) -> None:
    _say({"progress": text})


def main(path: str) -> int:
    """Run the step that the request names; 0 when it worked."""
    request: Request = json.loads(Path(path).read_text())
    try:
        STEPS[request["step"]](request, Path(request["folder"]))
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
