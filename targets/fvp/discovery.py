"""Where an FVP is: every place that users and Arm's tools put it, in the order in which they expect it to be found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.cache import cache_root
from core.errors import TargetUnavailable
from targets.fvp.platforms import PLATFORMS, Platform

VARIABLE = "ETHOS_BENCH_FVP"
BELOW = ("", "bin", "models", "models/*", "*", "*/models/*")
"""Where the executable lies below a folder: itself, AVH's images, Arm's installer (models/Linux64_GCC-9.3), one level up."""


@dataclass(frozen=True)
class Search:
    """What was found for a platform, and every place that was looked at, as "what: path"."""

    platform: Platform
    found: Path | None
    looked: tuple[str, ...]

    def require(self, profile: str) -> Path:
        """The executable; TargetUnavailable with every place and the way to get it."""
        if self.found is None:
            places = "".join(f"\n    {place}" for place in self.looked)
            raise TargetUnavailable(
                f"no Arm FVP for {profile}: `{self.platform.binaries[0]}` is at none of these places:{places}",
                f"Arm's FVP of Corstone {self.platform.name}, free of charge under Arm's EULA (docs/guides/fvp.md), or "
                "--fvp-engine qemu or open",
                f"ethos-bench fvp install --accept-eula {self.platform.name}",
            )
        return self.found


def install_folder(platform: Platform) -> Path:
    """Where `ethos-bench fvp install` puts a platform."""
    return cache_root() / "fvp" / platform.package


def find(platform: Platform, given: Path | None, environment: Mapping[str, str]) -> Search:
    """The first executable of the platform; `given` is the user's own file or folder, and then the only place looked at."""
    looked: list[str] = []
    for what, place, found in _candidates(platform, given, environment):
        looked.append(f"{what}: {place}")
        if found and os.access(found, os.X_OK):
            return Search(platform, found.resolve(), tuple(looked))
        if found:
            looked[-1] += f" (`{found}` is there and is not executable)"
    return Search(platform, None, tuple(looked))


def _candidates(
    platform: Platform, given: Path | None, environment: Mapping[str, str]
) -> Iterator[tuple[str, str, Path | None]]:
    """What kind of place, the place, and the file that lies there."""
    if given:
        yield "--fvp", str(given), given if _is_own_choice(given, platform) else _in(given, platform)
        return
    for part in environment.get(VARIABLE, "").split(os.pathsep):
        if part:
            yield VARIABLE, part, _in(Path(part), platform)
    path = environment.get("PATH", "")
    on_path = (Path(part) / name for part in path.split(os.pathsep) if part for name in platform.binaries)
    yield "PATH", path, next((file for file in on_path if file.is_file()), None)
    for what, folder in _folders(platform, environment):
        yield what, str(folder), _in(folder, platform)


def _is_own_choice(given: Path, platform: Platform) -> bool:
    """Whether a file was named that may be this platform's: a wrapper may have any name but another platform's."""
    others = {name for other in PLATFORMS for name in other.binaries} - set(platform.binaries)
    return given.is_file() and given.name not in others


def _folders(platform: Platform, environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    home = Path(environment.get("HOME") or Path.home())
    yield "ethos-bench fvp install", install_folder(platform)
    yield "Arm Virtual Hardware", Path("/opt/VHT")
    mlia = platform.package.removeprefix("FVP_").lower().replace("_sse-", "_")
    if environment.get("VIRTUAL_ENV"):
        yield "MLIA", Path(environment["VIRTUAL_ENV"]) / ".mlia" / "backends" / mlia
    yield "MLIA", home / ".mlia" / "backends" / mlia
    for parent in (home, Path("/opt"), Path("/opt/arm"), Path("/usr/local")):
        yield "Arm's installer", parent / platform.package


def _in(place: Path, platform: Platform) -> Path | None:
    """The executable at a place: the place itself, or below it as deep as Arm's installers go."""
    if place.name in platform.binaries and place.is_file():
        return place
    for below in BELOW:
        folders = sorted(place.glob(below)) if "*" in below else [place / below]
        for candidate in (folder / name for folder in folders for name in platform.binaries):
            if candidate.is_file():
                return candidate
    return None
