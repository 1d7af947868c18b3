"""The folder for temporary files that a target puts a job's files into."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from core.files import storage_errors


def job_errors(folder: Path) -> AbstractContextManager[None]:
    """Turn whatever stands against writing there into a StorageError that names the folder and the way out."""
    return storage_errors(
        f"write a job to `{folder}`", "a folder for temporary files with space", "TMPDIR=/path/with/space ethos-bench run"
    )
