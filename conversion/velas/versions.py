"""Published versions of Vela and executables of others, and those that a word such as `4.2..5.2` or a path names.

An executable is named `4.2.0-1a2b3c4d@/opt/bsp/bin/vela`: its version with the beginning of its SHA-256, and where it lies.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from conversion.vela import vela_executable, vela_version
from core.errors import UsageError

PACKAGE = "ethos-u-vela"
LOCKS = Path(__file__).parent
"""One lock of an environment per version stands beside this file: `<version>.lock`."""
RANGE = ".."
PLACE = "@"
"""What stands between an executable's name and its path."""
LIST_HINT = "ethos-bench velas list"
VERSION = re.compile(r"\d+(\.\d+){0,2}")
NUMBERS = re.compile(r"\d+(\.\d+)*")


def installed_version() -> str:
    """The version of the Vela that this environment holds."""
    return metadata.version(PACKAGE)


def known_versions() -> tuple[str, ...]:
    """Every version that can be had here, oldest first: the installed one and those with a lock."""
    found = {path.stem for path in LOCKS.glob("*.lock")} | {installed_version()}
    return tuple(sorted(found, key=numbers))


def numbers(version: str) -> tuple[int, ...]:
    """The version as numbers, in the order of versions; of an executable those that it begins with."""
    found = NUMBERS.match(version)
    return tuple(map(int, found[0].split("."))) if found else ()


def name_of(version: str) -> str:
    """The version as it is shown and kept, without the place of an executable."""
    return version.partition(PLACE)[0]


def versions_named(words: str) -> tuple[str, ...]:
    """The versions that `words` name, oldest first: `4.2.0`, `4.2` (its newest), a list with commas, `4.2..5.2` with both ends.

    A word with a slash is the path of an executable. UsageError for a version that is not known, for a range that holds none,
    and for a program that is no Vela; ToolMissing for a path without a program.
    """
    found = {version for word in words.split(",") for version in _of_word(word.strip())}
    return tuple(sorted(found, key=lambda version: (numbers(version), PLACE in version, version)))


def _of_word(word: str) -> tuple[str, ...]:
    if "/" in word:
        return (executable_named(word),)
    first, is_range, last = word.partition(RANGE)
    if not is_range:
        return (version_named(word),)
    lowest, highest = numbers(version_named(first)), numbers(version_named(last))
    found = tuple(version for version in known_versions() if lowest <= numbers(version) <= highest)
    if not found:
        raise UsageError(f"`{word}` holds no version of Vela", f"the older one first: {last}{RANGE}{first}", LIST_HINT)
    return found


def executable_named(path: str) -> str:
    """A Vela of the user's, by its name and place; ToolMissing for no program, UsageError for one that is no Vela."""
    executable = vela_executable(str(Path(path).expanduser()))
    return f"{vela_version(executable)}{PLACE}{executable}"


def version_named(word: str) -> str:
    """The one version: as it is written, or the newest that begins with it; UsageError when there is none."""
    if VERSION.fullmatch(word):
        asked = numbers(word)
        found = [version for version in known_versions() if numbers(version)[: len(asked)] == asked]
        if found:
            return found[-1]
    known = known_versions()
    raise UsageError(f"no Vela `{word}` is known here", f"one of {', '.join(known)}", LIST_HINT)
