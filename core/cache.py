"""A content-addressed folder cache: an entry is whole or absent, however many processes write and whatever kills them.

An entry's key covers its inputs and settings (`parts`) and the code that makes it (core/code_identity.py). What is in it is
checked when it is read: an entry that was changed, or emptied by a power cut, is told of, never used, and made anew.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from core.cache_content import ENTRY, check, listed
from core.cache_prune import WORK, keep_within_limit
from core.cache_use import claim
from core.code_identity import code_identity
from core.errors import StorageError
from core.files import FULL_OR_READ_ONLY, put_in_place, sha256, storage_errors, work_folder
from core.progress import Progress, notice, on_stderr

STALE_SECONDS = 24 * 3600
WAY_OUT = "ETHOS_BENCH_CACHE=/path/with/space ethos-bench run"
NO_PLACE = (errno.ENOENT, errno.EEXIST)
"""Why a folder cannot be made: below `/proc` there is none, and a file may have its name. Inside the cache these are faults."""

Make = Callable[[Path], None]


def cache_root() -> Path:
    """The cache folder: ETHOS_BENCH_CACHE, else the user's cache folder of the platform.

    StorageError for who has no home, and for a URL: entries are moved into place and locked, which object stores can't do.
    """
    if "://" in os.environ.get("ETHOS_BENCH_CACHE", ""):
        raise StorageError(
            f"ETHOS_BENCH_CACHE={os.environ['ETHOS_BENCH_CACHE']} is a URL", "a folder, shared storage mounted as one", WAY_OUT
        )
    try:
        root = Path(os.environ.get("ETHOS_BENCH_CACHE") or platformdirs.user_cache_dir("ethos-bench"))
    except RuntimeError:  # of newer versions of platformdirs; older ones give a folder called `~`
        root = Path("~")
    if root.parts[:1] == ("~",):
        raise StorageError("this user has no home folder, where the cache would be", "HOME, or a folder for the cache", WAY_OUT)
    return root


def key_of(dependencies: Mapping[str, Any]) -> str:
    """The key of an entry: SHA-256 of the canonical JSON of everything it depends on."""
    return sha256(json.dumps(dependencies, sort_keys=True))[:32]


def entry(kind: str, parts: Mapping[str, Any], make: Make, code: Sequence[str] = (), tell: Progress = on_stderr) -> Path:
    """The folder of an entry, made by `make(folder)` when it is not there yet, or not as it was written.

    `parts` are its inputs and settings as values; the code that `make` runs is found by its imports, and `code` names what no
    import leads to: modules that run in a process of their own or are found by name. `make` writes into a temporary folder that
    becomes the entry only when it returns; a lock per key makes a second process wait for the first and then find the entry,
    which stays at least as long as this process. StorageError when the disk is full or not writable.
    """
    root, needed = cache_root(), _dependencies(parts, make, code)
    final = root / kind / key_of(needed)
    with cache_errors(root, *NO_PLACE):
        root.mkdir(parents=True, exist_ok=True)
    with cache_errors(root):
        if _is_usable(root, final, tell):
            return final
        (root / WORK).mkdir(parents=True, exist_ok=True)
    with _locked(root / WORK / f"{kind}-{final.name}.lock"), cache_errors(root):
        if not _is_usable(root, final, None):
            _sweep(root / WORK)
            with work_folder(root / WORK, f"{kind}-") as folder:
                make(folder)
                (folder / ENTRY).write_text(json.dumps({**needed, "files": listed(folder)}, indent=1, sort_keys=True), "utf-8")
                final.parent.mkdir(parents=True, exist_ok=True)
                put_in_place(folder, final)
            _trim(root, tell)
    return final


_trimmed: set[tuple[int, Path]] = set()


def _trim(root: Path, tell: Progress) -> None:
    """Keep the cache within its limit, once in a process: what this one makes is in use and would stay anyway."""
    if (os.getpid(), root) not in _trimmed:
        _trimmed.add((os.getpid(), root))
        keep_within_limit(root, tell)


def _dependencies(parts: Mapping[str, Any], make: Make, code: Sequence[str]) -> dict[str, Any]:
    made_by = code_identity((make.__module__, *code))
    return {"parts": parts, "code": made_by.digest, "tools": made_by.tools}


def _is_usable(root: Path, final: Path, tell: Progress | None) -> bool:
    """Whether the entry is there as it was written; it is ours from then on. `tell` hears when it is not, unless None."""
    if not claim(root, final):
        return False
    changed = check(final)
    if changed and tell:
        notice(f"cache: {final.relative_to(root)} is not as it was written ({changed}): it is not used and made anew", tell)
    return not changed


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with cache_errors(path.parent):
        lock = filelock.FileLock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def cache_errors(folder: Path, *others: int) -> AbstractContextManager[None]:
    """Turns a full or read-only disk, or `others` by errno, into a StorageError that names the folder and the way out."""
    return storage_errors(
        f"write to `{folder}`",
        "a writable folder with about 200 MB free per model",
        WAY_OUT,
        only=(*FULL_OR_READ_ONLY, *others),
    )


def _sweep(work: Path) -> None:
    """Remove what killed processes left behind more than a day ago."""
    limit = time.time() - STALE_SECONDS
    for left in work.iterdir():
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < limit:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
