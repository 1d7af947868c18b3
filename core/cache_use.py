"""Which entries of the cache running processes use, so that nobody removes them.

Each process has a mark of its own in `in-use/`: a list of entries beside a lock that it holds until it ends. The kernel lets go
of the lock whatever ends the process, SIGKILL included, so a mark without a holder is a dead process's and counts for nothing.
Who marks and who removes takes one lock for that moment: an entry is either marked before it is looked at, or gone already.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import filelock

FOLDER = "in-use"
NOT_OURS_TO_WRITE = (errno.EROFS, errno.EACCES, errno.EPERM)
"""A cache that this process cannot write: it can be read, and what stands against marks stands against removing too."""


class _Mark:
    """The mark of a process in one cache; made with its first entry and held till the process ends."""

    def __init__(self, folder: Path) -> None:
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._list = folder / f"{name}.used"
        self._names: set[str] = set()
        self._lock = filelock.FileLock(folder / f"{name}.lock", thread_local=False)
        self._lock.acquire()

    def let_go(self) -> None:
        """Remove the mark: nothing of this process needs its entries any more."""
        with contextlib.suppress(OSError):
            self._list.unlink(missing_ok=True)
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def is_held_by(self, lock: Path) -> bool:
        """Whether this is the mark with that lock."""
        return Path(self._lock.lock_file) == lock

    def add(self, name: str) -> None:
        if name not in self._names:
            with self._list.open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
            self._names.add(name)


_marks: dict[tuple[int, Path], _Mark] = {}
_between_threads = threading.RLock()


@contextlib.contextmanager
def deciding(root: Path) -> Iterator[None]:
    """The moment in which one process of all marks or removes entries."""
    folder = root / FOLDER
    with _between_threads:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / "deciding.lock"):
            yield


def claim(root: Path, entry: Path) -> bool:
    """Whether the entry is there; from now on nobody removes it until this process ends, nor when we make it later."""
    try:
        with deciding(root):
            _own_mark(root).add(_name(root, entry))
            there = entry.is_dir()
            if there:
                os.utime(entry)  # when it was used last
            return there
    except OSError as error:
        if error.errno not in NOT_OURS_TO_WRITE:
            raise
        return entry.is_dir()


@atexit.register
def let_go() -> None:
    """Give up every entry that this process uses; it may use others afterwards."""
    for key in [key for key in _marks if key[0] == os.getpid()]:
        _marks.pop(key).let_go()


def claimed(root: Path) -> frozenset[str]:
    """`kind/key` of every entry that a living process uses; call it while `deciding`. Marks of the dead are removed."""
    names: set[str] = set()
    for listed in (root / FOLDER).glob("*.used"):
        lock = listed.with_suffix(".lock")
        if _is_held(lock):
            with contextlib.suppress(FileNotFoundError):  # it has just let go: that needs no deciding
                names.update(listed.read_text("utf-8").splitlines())
        else:
            listed.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
    return frozenset(names)


def _own_mark(root: Path) -> _Mark:
    key = (os.getpid(), root.absolute())
    if key not in _marks:
        _marks[key] = _Mark(root / FOLDER)
        claimed(root)  # a good moment to tidy up after those who were killed
    return _marks[key]


def _name(root: Path, entry: Path) -> str:
    return entry.relative_to(root).as_posix()


def _is_held(path: Path) -> bool:
    if any(mark.is_held_by(path) for (process, _), mark in _marks.items() if process == os.getpid()):
        return True
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    lock.release()
    return False
