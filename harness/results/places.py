"""Where runs lie: a folder `results` here or above, else where the last run on this computer was kept."""

from __future__ import annotations

import contextlib
from pathlib import Path

from core.cache import cache_root
from core.errors import UsageError
from core.files import write_whole
from harness.results.stored_run import HINT, RESULTS

FOLDER = "results"
POINTER = "last-results.txt"
SHOWN = 5


def remember(folder: Path) -> None:
    """Keep where a run lies, so that it is found from any folder; a cache that cannot be written is no reason to fail."""
    with contextlib.suppress(OSError):
        cache_root().mkdir(parents=True, exist_ok=True)
        write_whole(cache_root() / POINTER, f"{folder.absolute()}\n")


def places_above(start: Path | None = None) -> list[Path]:
    """The folders `results` that hold something of ours, here (or at `start`) and in every folder above, nearest first."""
    here = (start or Path.cwd()).absolute()
    return [place for folder in (here, *here.parents) if _is_ours(place := folder / FOLDER)]


def results_place() -> Path:
    """The folder of results that is meant where none is named: the nearest one, the last run's, or one that is not made yet."""
    return next(iter([*places_above(), *_remembered()]), Path(FOLDER))


def find_run(name: str | Path, root: Path | None = None) -> Path:
    """The folder of a run given by its path, by its id, or as `latest`; UsageError says where it was looked for.

    `root` is the only folder of results that is looked into; without it all of `places_above`, then the last run's.
    """
    places = [root] if root else [*places_above(), *_remembered()]
    for folder in (Path(name), *(place / name for place in places)):
        if (folder / RESULTS).is_file():
            return folder
    known = sorted({path.parent.name for place in places for path in place.glob(f"*/{RESULTS}")})
    expected = f"a results folder, or one of {', '.join(known[-SHOWN:])}" if known else "the results folder of a run"
    looked = ", ".join(f"`{place}`" for place in places) or f"any folder `{FOLDER}` here or above"
    raise UsageError(f"no run `{name}`: there is no `{Path(name) / RESULTS}`, and none in {looked}", expected, HINT)


def taken_from_elsewhere(folder: Path) -> bool:
    """Whether a run that was found lies neither here nor above: the user has to be told."""
    return folder.is_absolute() and not any(folder.is_relative_to(place) for place in places_above())


def _is_ours(place: Path) -> bool:
    return (place / "history.db").is_file() or next(place.glob(f"*/{RESULTS}"), None) is not None


def _remembered() -> list[Path]:
    """The folder that the last run's folder lies in, when it is still there."""
    with contextlib.suppress(OSError, ValueError):
        place = Path((cache_root() / POINTER).read_text("utf-8").strip()).parent
        if place.is_absolute() and _is_ours(place):
            return [place]
    return []
