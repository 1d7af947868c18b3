"""Whether the files of a cache entry are those that were written.

Every file's SHA-256 is listed when the entry is made. A process hashes all of an entry once, when it first reads it, and looks
at sizes and times later: docs/decisions/0007-cache.md says why.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from core.files import file_sha256

ENTRY = "entry.json"
"""The file of an entry that says what it depends on and what is in it."""

Seen = tuple[tuple[str, int, int], ...]
"""(name, size, time of last change in ns) of every listed file."""

_known: dict[Path, Seen] = {}
_between_threads = threading.Lock()


def listed(folder: Path) -> dict[str, dict[str, int | str]]:
    """Name -> size in bytes and SHA-256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in files}


def check(folder: Path) -> str:
    """What about an entry is not as it was written, "" when all of it is."""
    try:
        files: Mapping[str, Mapping[str, int | str]] = json.loads((folder / ENTRY).read_text("utf-8"))["files"]
        seen = _look(folder, files)
    except FileNotFoundError as error:
        return f"`{Path(str(error.filename)).name}` is missing"
    except (ValueError, KeyError, TypeError):
        return f"`{ENTRY}` is damaged"
    with _between_threads:
        if _known.get(folder) == seen:
            return ""
    changed = _first_change(folder, files)
    if not changed:
        with _between_threads:
            _known[folder] = seen
    return changed


def _look(folder: Path, files: Mapping[str, Mapping[str, int | str]]) -> Seen:
    found = ((name, (folder / name).stat()) for name in files)
    return tuple((name, at.st_size, at.st_mtime_ns) for name, at in found)


def _first_change(folder: Path, files: Mapping[str, Mapping[str, int | str]]) -> str:
    for name, written in files.items():
        size = (folder / name).stat().st_size
        if size != written["bytes"]:
            return f"`{name}` has {size} bytes instead of {written['bytes']}"
        if file_sha256(folder / name) != written["sha256"]:
            return f"`{name}` has other bytes"
    return ""
