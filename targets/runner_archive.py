"""The runner as one file: a zip archive that Python runs as it runs a script, on boards and on this host."""

from __future__ import annotations

import functools
import io
import zipfile
from pathlib import Path

FOLDER = Path(__file__).parent / "runner"
MODULES = ("__init__", "protocol", "reporting", "npu_signs", "tflite_runner", "supervisor")
NO_TIME = (1980, 1, 1, 0, 0, 0)


@functools.cache
def runner_archive() -> bytes:
    """The archive's bytes: the same for the same sources, so that a board keeps it by its hash."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", NO_TIME), (FOLDER / "__main__.py").read_bytes())
        archive.writestr(zipfile.ZipInfo("targets/__init__.py", NO_TIME), b"")
        for name in MODULES:
            entry = zipfile.ZipInfo(f"targets/runner/{name}.py", NO_TIME)
            archive.writestr(entry, (FOLDER / f"{name}.py").read_bytes())
    return content.getvalue()
