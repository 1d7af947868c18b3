"""A Vela of another version in an environment of its own, in the cache folder, made from a lock on first use."""

from __future__ import annotations

import sys
from pathlib import Path

from conversion.vela import vela_executable, vela_version
from conversion.velas.versions import LOCKS, PLACE, installed_version, numbers
from core.errors import ToolMissing
from core.progress import Progress, on_stderr
from core.tool_environment import environment_of, is_made, tool_python

NUMPY_1_UNTIL = (4, 5, 99)
"""Velas until then count on numpy 1, whose last release has no wheel for a Python after 3.12."""
NUMPY_1_PYTHON = (3, 12)


def executable_of(version: str, tell: Progress = on_stderr) -> Path:
    """The executable of that version, whose environment is made when it is missing.

    ToolMissing when this Python cannot have it, a package cannot be downloaded, or another Vela lies at the path of one that
    was named so.
    """
    name, is_placed, place = version.partition(PLACE)
    if is_placed:
        return _as_named(vela_executable(place), name)
    if version == installed_version():
        return vela_executable()
    if numbers(version) <= NUMPY_1_UNTIL and sys.version_info[:2] > NUMPY_1_PYTHON:
        own = ".".join(map(str, sys.version_info[:2]))
        found = f"Vela {version} counts on numpy 1, which no Python after 3.12 has; this is {own}"
        raise ToolMissing(found, "ethos-bench in Python 3.10 to 3.12 for Velas before 5.0")
    return tool_python(_name(version), _lock(version), tell).with_name("vela")


def _as_named(executable: Path, name: str) -> Path:
    found = vela_version(executable)
    if found != name:
        raise ToolMissing(f"`{executable}` is Vela {found}", f"Vela {name}, as it was when it was named")
    return executable


def is_at_hand(version: str) -> bool:
    """Whether that version can be run without a download."""
    return version == installed_version() or is_made(_name(version), _lock(version))


def folder_of(version: str) -> Path:
    """Where the version's environment is, or would be."""
    if version == installed_version():
        return Path(sys.prefix)
    return environment_of(_name(version), _lock(version))


def _name(version: str) -> str:
    return f"vela-{version}"


def _lock(version: str) -> Path:
    return LOCKS / f"{version}.lock"
