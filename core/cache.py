"""A content-addressed folder cache: an entry is whole or absent, however many processes write and whatever kills them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from core.files import FULL_OR_READ_ONLY, put_in_place, sha256, storage_errors, work_folder

STALE_SECONDS = 24 * 3600


def cache_root() -> Path:
    """The cache folder: ETHOS_BENCH_CACHE, else the user's cache folder of the platform."""
    return Path(os.environ.get("ETHOS_BENCH_CACHE") or platformdirs.user_cache_dir("ethos-bench"))


def key_of(parts: dict[str, Any]) -> str:
    """The key of an entry: SHA-256 of the canonical JSON of everything it depends on."""
    return sha256(json.dumps(parts, sort_keys=True))[:32]


def entry(kind: str, parts: dict[str, Any], make: Callable[[Path], None]) -> Path:
    """The folder of an entry, made by `make(folder)` when it is not there yet.

    `make` writes into a temporary folder that becomes the entry only when it returns; a lock per key makes a second process
    wait for the first and then find the entry. StorageError when the disk is full or not writable.
    """
    key = key_of(parts)
    final = cache_root() / kind / key
    if final.is_dir():
        return final
    with cache_errors(cache_root()):
        work = cache_root() / "tmp"
        work.mkdir(parents=True, exist_ok=True)
        final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(work / f"{kind}-{key}.lock"):
        if final.is_dir():
            return final
        _sweep(work)
        with cache_errors(cache_root()), work_folder(work, f"{kind}-") as folder:
            make(folder)
            (folder / "entry.json").write_text(json.dumps(parts, indent=1, sort_keys=True))
            put_in_place(folder, final)
    return final


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with cache_errors(path.parent):
        lock = filelock.FileLock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def cache_errors(folder: Path) -> AbstractContextManager[None]:
    """Turns a full or read-only disk into a StorageError that names the folder and the way out."""
    return storage_errors(
        f"write to `{folder}`",
        "a writable folder with about 200 MB free per model",
        "ETHOS_BENCH_CACHE=/path/with/space pytest benchmarks/",
        only=FULL_OR_READ_ONLY,
    )


def _sweep(work: Path) -> None:
    """Remove what killed processes left behind more than a day ago."""
    limit = time.time() - STALE_SECONDS
    for left in work.iterdir():
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < limit:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
