"""`ethos-bench cache`: how much the cache holds, and the removal of what nobody uses."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import click

from core.cache import cache_errors, cache_root
from core.cache_prune import (
    LIMIT,
    CacheEntry,
    bytes_of,
    entries_of,
    limit_bytes,
    names_in_use,
    prune,
    seconds_of,
    size_text,
)
from harness.cli.failing import exits_cleanly
from harness.cli.saying import say

DAY_SECONDS = 86400


@click.group("cache")
def cache_command() -> None:
    """Say what the cache of conversions, compilations, references and detections holds, and remove what nobody uses."""


@cache_command.command("size")
@exits_cleanly
def size() -> None:
    """Say how much the cache holds, of what kind, and how long it was not used."""
    root = cache_root()
    entries = entries_of(root)
    with cache_errors(root):
        in_use = names_in_use(root) if entries else frozenset()
    kinds: dict[str, list[CacheEntry]] = defaultdict(list)
    for entry in entries:
        kinds[entry.kind].append(entry)
    say(f"{root}: {size_text(_total(entries))} in {len(entries)} entries, {_limit()}")
    for kind, found in sorted(kinds.items()):
        using = sum(entry.name in in_use for entry in found)
        unused = (time.time() - found[0].used) / DAY_SECONDS
        held = f"{len(found):>6} entries {size_text(_total(found)):>8}"
        say(f"  {kind:<12} {held}  oldest use {unused:.0f} days ago, {using} in use")
    for name, size_bytes in _others(root, kinds):
        say(f"  {name:<12} {'':>6}         {size_text(size_bytes):>8}  not pruned")


@cache_command.command("prune")
@click.option("--older-than", metavar="TIME", help="Remove what was not used for that long: 12h, 30d, 2w.")
@click.option("--to", "size_limit", metavar="SIZE", help="Remove what was not used for longest until that much is left: 10GB.")
@exits_cleanly
def prune_command(older_than: str | None, size_limit: str | None) -> None:
    """Remove entries that no running process uses; without options, those beyond the limit on the cache's size."""
    root = cache_root()
    to_bytes = bytes_of(size_limit) if size_limit else None if older_than else limit_bytes()
    with cache_errors(root):
        done = prune(root, to_bytes=to_bytes, older_than_s=seconds_of(older_than) if older_than else None)
    gone = f"removed {len(done.removed)} entries, {size_text(done.removed_bytes)}"
    say(f"{gone}; {size_text(done.left_bytes)} left in {root}")
    if done.in_use:
        held = size_text(_total(done.in_use))
        say(f"kept {len(done.in_use)} more ({held}): running processes use them")


def _total(entries: list[CacheEntry] | tuple[CacheEntry, ...]) -> int:
    return sum(entry.size_bytes for entry in entries)


def _limit() -> str:
    limit = limit_bytes()
    return "no limit" if limit is None else f"limit {size_text(limit)} ({LIMIT})"


def _others(root: Path, kinds: dict[str, list[CacheEntry]]) -> list[tuple[str, int]]:
    """What lies in the cache's folder and is no entry, such as an installed FVP: (name, size)."""
    folders = [folder for folder in sorted(root.glob("*")) if folder.is_dir() and folder.name not in kinds]
    sizes = [(folder.name, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())) for folder in folders]
    return [(name, size_bytes) for name, size_bytes in sizes if size_bytes]
