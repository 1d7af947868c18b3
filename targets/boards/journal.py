"""Samples on disk as they come, so that what had arrived outlives us, however we are ended."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TextIO

from core.files import slug, storage_errors
from core.records.run import HANDED_OVER


class Journal:
    """A file of events in a folder; an end that hands the samples on gives it another name, till somebody has stored them.

    A process may be killed long after its samples arrived: while a link is mended, while the CPU runs beside the NPU, or while
    bytes are compared.
    """

    def __init__(self, folder: Path | None, target: str, job: str) -> None:
        self.path = folder / f"{slug(target)}-{job}.jsonl" if folder else None
        self._file: TextIO | None = None

    def __enter__(self) -> Journal:
        return self

    def write(self, line: str) -> None:
        """Keep a line; StorageError when the disk is full."""
        if self.path is None:
            return
        with storage_errors(f"keep samples in `{self.path}`", "a results folder with space"):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("w", encoding="utf-8")
            self._file.write(line + "\n")
            self._file.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """The samples are the caller's now, but for Ctrl-C and the like."""
        if self._file is not None and self.path is not None:
            self._file.close()
            if kind is None or issubclass(kind, Exception):
                with contextlib.suppress(OSError):  # the samples stay where they are
                    self.path.rename(self.path.with_suffix(HANDED_OVER))
