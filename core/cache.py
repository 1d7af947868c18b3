"""A content-addressed folder cache: an entry is whole or absent, however many processes write and whatever kills them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from core.errors import StorageError

STALE_SECONDS = 24 * 3600
FULL_OR_READ_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)


def cache_root() -> Path:
    """The cache folder: ETHOS_BENCH_CACHE, else the user's cache folder of the platform."""
    return Path(os.environ.get("ETHOS_BENCH_CACHE") or platformdirs.user_cache_dir("ethos-bench"))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def key_of(parts: dict[str, Any]) -> str:
    """The key of an entry: SHA-256 of the canonical JSON of everything it depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def entry(kind: str, parts: dict[str, Any], make: Callable[[Path], None]) -> Path:
    """The folder of an entry, made by `make(folder)` when it is not there yet.

    `make` writes into a temporary folder that becomes the entry only when it returns; a lock per key makes a second process
    wait for the first and then find the entry. StorageError when the disk is full or not writable.
    """
    key = key_of(parts)
    final = cache_root() / kind / key
    if final.is_dir():
        return final
    with storage_errors(cache_root()):
        work = cache_root() / "tmp"
        work.mkdir(parents=True, exist_ok=True)
        final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(work / f"{kind}-{key}.lock"):
        if final.is_dir():
            return final
        _sweep(work)
        with storage_errors(cache_root()):
            folder = Path(tempfile.mkdtemp(dir=work, prefix=f"{kind}-"))
        try:
            with storage_errors(cache_root()):
                make(folder)
                (folder / "entry.json").write_text(json.dumps(parts, indent=1, sort_keys=True))
                folder.chmod(0o755)
                folder.replace(final)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return final


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with storage_errors(path.parent):
        lock = filelock.FileLock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a StorageError that names the folder and the way out."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_OR_READ_ONLY:
            raise
        raise StorageError(
            f"cannot write to `{folder}`: {error.strerror}",
            "a writable folder with about 200 MB free per model",
            "ETHOS_BENCH_CACHE=/path/with/space pytest benchmarks/",
        ) from error


def _sweep(work: Path) -> None:
    """Remove what killed processes left behind more than a day ago."""
    limit = time.time() - STALE_SECONDS
    for left in work.iterdir():
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < limit:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
