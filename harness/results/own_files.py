"""Which files of a results folder are ours: those that this program wrote are listed there, and no other is ever touched."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

from core.errors import UsageError
from core.files import write_whole
from core.outputs import MARKER, listed_as_ours
from core.safe_paths import path_inside

LOCK = ".ethos-bench-lock"
LOST = "lost"
"""Journals of samples lie there; targets write them, in processes of their own."""
JOURNAL = re.compile(r"[\w.-]+-[0-9a-f]{16}(\.handed-over)?\.jsonl|farm\.jsonl")
RESULTS = "results.json"


class OwnFiles:
    """The list of a folder; every file of ours in it is written through this."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = set(listed_as_ours(folder))

    @property
    def has_list(self) -> bool:
        """Whether the folder says what in it is ours: those of older versions do not."""
        return bool(self._names)

    @property
    def names(self) -> frozenset[str]:
        """The names of our files."""
        return frozenset(self._names)

    def write(self, name: str, text: str) -> None:
        """Write a file whole; UsageError when another's file has its name."""
        write_whole(self.place(name), text)

    def append(self, name: str, text: str) -> None:
        """Add to a file, through to the disk."""
        with self.place(name).open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def copy(self, source: Path, name: str) -> None:
        """Write a file that holds what another holds."""
        shutil.copyfile(source, self.place(name))

    def place(self, name: str) -> Path:
        """Where a file of ours goes, listed from now on; UsageError when another's file is there, or it lies elsewhere."""
        path = path_inside(self.folder, name)
        if name not in self._names:
            if path.exists() or path.is_symlink():
                raise _not_ours(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            with (self.folder / MARKER).open("a", encoding="utf-8") as file:
                file.write(json.dumps(name) + "\n")
            self._names.add(name)
        return path

    def remove(self, name: str) -> None:
        """Remove a file of ours."""
        if name in self._names:
            path_inside(self.folder, name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what an earlier run wrote, so that two runs are never mixed; anything else in the folder stays.

        UsageError when the folder has results that are not listed as ours: an older version wrote them, or somebody else.
        """
        if RESULTS not in self._names and (self.folder / RESULTS).exists():
            raise _not_ours(self.folder / RESULTS)
        for name in sorted(self._names):
            self.remove(name)
        for path in _journals(self.folder / LOST):
            path.unlink(missing_ok=True)
        for below in {path_inside(self.folder, name).parent for name in self._names} | {self.folder / LOST}:
            if below != self.folder and below.is_dir() and not below.is_symlink() and not any(below.iterdir()):
                below.rmdir()
        (self.folder / MARKER).unlink(missing_ok=True)
        self._names.clear()


def lock(folder: Path) -> filelock.BaseFileLock:
    """The lock of a results folder, held; UsageError when another run writes there now."""
    held = filelock.FileLock(folder / LOCK)
    try:
        held.acquire(timeout=0)
    except filelock.Timeout as error:
        raise UsageError(
            f"another run writes into `{folder}` now", "a results folder for each run", f"--results {folder}-2"
        ) from error
    return held


def _journals(folder: Path) -> Iterator[Path]:
    if folder.is_dir() and not folder.is_symlink():
        yield from (path for path in folder.iterdir() if JOURNAL.fullmatch(path.name) and path.is_file())


def _not_ours(path: Path) -> UsageError:
    return UsageError(
        f"`{path}` is there, and this program did not write it",
        "a results folder of its own for each run",
        f"--results {path.parent}-2",
    )
