"""Versions of installed packages, asked of the installation in one place."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from functools import cache

ABSENT = "absent"
DISTRIBUTIONS = {
    "PIL": "pillow",
    "elftools": "pyelftools",
    "ethosu": "ethos-u-vela",
    "grpc": "grpcio",
    "ultralytics": "ultralytics-opencv-headless",
    "vl_convert": "vl-convert-python",
    "xdist": "pytest-xdist",
    "yaml": "pyyaml",
}
"""Name in an import -> package that brings it, where the two differ by more than `_` for `-`."""


@cache
def version_of(package: str) -> str:
    """The installed version of a package, "absent" when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ABSENT


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Package -> installed version, of those that are installed."""
    return {name: version for name in packages if (version := version_of(name)) != ABSENT}


def package_of(module: str) -> str:
    """The package that brings a module of somebody else's."""
    top = module.partition(".")[0]
    return DISTRIBUTIONS.get(top, top.replace("_", "-"))
