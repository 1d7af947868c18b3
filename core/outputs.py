"""Single files that a user named as an output: written where nothing is, or over what this program itself wrote there.

Which files are ours is kept in the cache folder, a file for each path with the SHA-256 of what was written: one that somebody
changed since is theirs. A cache that is lost only means that a file is asked to go elsewhere.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.cache import cache_root
from core.errors import UsageError
from core.files import file_sha256, read_regular, sha256, storage_errors, write_whole

MARKER = ".ethos-bench-files"
"""One JSON text a line: the name of a file that this program wrote into the folder, listed before it is written."""
WRITTEN = "written"
DIGEST_BYTES = 200


def require_free(path: Path, option: str = "--output") -> None:
    """Nothing, or UsageError when something is at `path` that this program did not write as it is now: before any work."""
    with storage_errors(f"write `{path}`", "a path that can be written", f"{option} another/place"):
        if not (path.exists() or path.is_symlink()) or _is_ours(path):
            return
    raise UsageError(
        f"`{path}` is there, and this program did not write it as it is",
        "a path where nothing is, or a file that was written by this command",
        f"{option} {_beside(path)}",
    )


def write_output(path: Path, content: bytes | str, option: str = "--output") -> None:
    """Write a file whole, and keep that it is ours; UsageError as `require_free`, StorageError when it cannot be written."""
    require_free(path, option)
    with storage_errors(f"write `{path}`", "a writable folder with space", f"{option} /path/with/space"):
        write_whole(path, content)
    with contextlib.suppress(OSError):  # without a cache the next run is refused: no reason to fail this one
        write_whole(_note(path), sha256(content))


def write_outputs(files: Mapping[Path, bytes | str], option: str = "--output") -> None:
    """Write several files as `write_output`: none when one is refused."""
    for path in files:
        require_free(path, option)
    for path, content in files.items():
        write_output(path, content, option)


def listed_as_ours(folder: Path) -> Iterator[str]:
    """The names in a folder's list of our files; a last line that was cut off listed a file that was never written."""
    marker = folder / MARKER
    if not marker.is_file() or marker.is_symlink():
        return
    for line in read_regular(marker).decode("utf-8", "replace").splitlines():
        try:
            name = json.loads(line)
        except ValueError:
            continue
        if isinstance(name, str):
            yield name


def _is_ours(path: Path) -> bool:
    """Whether a regular file has the bytes that this program wrote there last, or its folder lists it as ours."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.name in listed_as_ours(path.parent):
        return True
    try:
        noted = read_regular(_note(path), DIGEST_BYTES).decode("utf-8", "replace")
    except OSError:
        return False
    return noted == file_sha256(path)


def _note(path: Path) -> Path:
    """Where it is kept what was written to a path: the same for every way to name it."""
    place = path.parent.resolve() / path.name
    return cache_root() / WRITTEN / sha256(str(place).encode("utf-8", "surrogateescape"))[:32]


def _beside(path: Path) -> Path:
    """A path like this one where nothing is."""
    number = 2
    while True:
        other = path.with_name(f"{path.stem}-{number}{path.suffix}") if path.name else path / "output"
        if not (other.exists() or other.is_symlink()):
            return other
        number += 1
