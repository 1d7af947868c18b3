"""The folder for temporary files that a target puts a job's files into."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.errors import StorageError


@contextlib.contextmanager
def job_errors(folder: Path) -> Iterator[None]:
    """Turn whatever stands against writing there into a StorageError that names the folder and the way out."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write a job to `{folder}`: {error.strerror or error}",
            "a folder for temporary files with space",
            "TMPDIR=/path/with/space pytest benchmarks/",
        ) from error
