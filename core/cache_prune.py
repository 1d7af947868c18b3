"""What the cache holds, and the removal of what was not used for longest; never of what a running process uses."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.cache_content import ENTRY
from core.cache_use import claimed, deciding
from core.errors import UsageError
from core.files import work_folder
from core.progress import Progress, notice

WORK = "tmp"
LIMIT = "ETHOS_BENCH_CACHE_LIMIT"
DEFAULT_LIMIT = "20GB"
NO_LIMIT = "none"
BYTES = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30}
SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class CacheEntry:
    """One entry: its folder, its size, and when it was used last (seconds since 1970)."""

    folder: Path
    size_bytes: int
    used: float

    @property
    def kind(self) -> str:
        """What it is an entry of: compile, detections and so on."""
        return self.folder.parent.name

    @property
    def name(self) -> str:
        """`kind/key`."""
        return f"{self.kind}/{self.folder.name}"


@dataclass(frozen=True)
class Pruned:
    """What was removed, what should have gone and is in use, and the size of what stays."""

    removed: tuple[CacheEntry, ...]
    in_use: tuple[CacheEntry, ...]
    left_bytes: int

    @property
    def removed_bytes(self) -> int:
        """The space that was won."""
        return sum(entry.size_bytes for entry in self.removed)


def entries_of(root: Path) -> list[CacheEntry]:
    """Every entry, the one that was not used for longest first."""
    folders = (listing.parent for listing in root.glob(f"*/*/{ENTRY}"))
    found = (_entry(folder) for folder in folders if folder.parent.name != WORK)  # there an entry is being made
    return sorted((entry for entry in found if entry), key=lambda entry: (entry.used, entry.name))


def names_in_use(root: Path) -> frozenset[str]:
    """`kind/key` of the entries that running processes use."""
    with deciding(root):
        return claimed(root)


def prune(root: Path, *, to_bytes: int | None = None, older_than_s: float | None = None) -> Pruned:
    """Remove entries that were not used for `older_than_s` seconds, then the longest unused until `to_bytes` are left."""
    every = entries_of(root)
    old = [] if older_than_s is None else [entry for entry in every if time.time() - entry.used > older_than_s]
    removed, in_use = _removed(root, old)
    left = sum(entry.size_bytes for entry in every) - sum(entry.size_bytes for entry in removed)
    if to_bytes is not None:
        for entry in (entry for entry in every if entry not in old):
            if left <= to_bytes:
                break
            gone, kept = _removed(root, [entry])
            removed, in_use, left = removed + gone, in_use + kept, left - sum(one.size_bytes for one in gone)
    return Pruned(tuple(removed), tuple(in_use), left)


def keep_within_limit(root: Path, tell: Progress) -> None:
    """Prune to the limit on the cache's size, and say so when that removed something."""
    limit = limit_bytes()
    if limit is None or sum(entry.size_bytes for entry in entries_of(root)) <= limit:
        return
    done = prune(root, to_bytes=limit)
    if done.removed:
        notice(
            f"cache: over its limit of {size_text(limit)}: removed {len(done.removed)} entries "
            f"({size_text(done.removed_bytes)}) that were not used for longest; {LIMIT}={size_text(2 * limit)} keeps more",
            tell,
        )


def limit_bytes() -> int | None:
    """The limit on the cache's size: the environment's, else 20 GB; None for none."""
    written = os.environ.get(LIMIT) or DEFAULT_LIMIT
    return None if written == NO_LIMIT else bytes_of(written)


def bytes_of(text: str) -> int:
    """10GB, 500 MB or 2GiB in bytes; UsageError for what is no size."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if not match or match[2] not in BYTES:
        raise UsageError(f"`{text}` is no size", f"a number and one of {', '.join(filter(None, BYTES))}", "10GB")
    return round(float(match[1]) * BYTES[match[2]])


def seconds_of(text: str) -> float:
    """12h, 30d or 2w in seconds; UsageError for what is no time."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw])", text.strip())
    if not match:
        raise UsageError(f"`{text}` is no time", "a number of hours (h), days (d) or weeks (w)", "30d")
    return float(match[1]) * SECONDS[match[2]]


def size_text(size_bytes: int) -> str:
    """A size for people, as the option takes it: 1.5GB."""
    for unit in ("GB", "MB", "kB"):
        if size_bytes >= BYTES[unit]:
            return f"{size_bytes / BYTES[unit]:.3g}{unit}"
    return f"{size_bytes}B"


def _entry(folder: Path) -> CacheEntry | None:
    """The entry in a folder; None when somebody has just removed it."""
    try:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return CacheEntry(folder, size, folder.stat().st_mtime)
    except FileNotFoundError:
        return None


def _removed(root: Path, entries: Iterable[CacheEntry]) -> tuple[list[CacheEntry], list[CacheEntry]]:
    """(removed, kept because a process uses it) of these; an entry is gone for everybody at once, by one rename."""
    removed: list[CacheEntry] = []
    kept: list[CacheEntry] = []
    wanted = list(entries)
    if not wanted:
        return removed, kept
    with work_folder(root / WORK, "pruned-") as aside:
        with deciding(root):
            used = claimed(root)
            for number, entry in enumerate(wanted):
                if entry.name in used:
                    kept.append(entry)
                elif entry.folder.is_dir():
                    entry.folder.rename(aside / str(number))
                    removed.append(entry)
        for left in aside.iterdir():
            shutil.rmtree(left)
    return removed, kept
