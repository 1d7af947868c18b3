"""Finds the TFLite files that a project published beside its checkpoints: what its own reports were made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from core.errors import UsageError

ENDING = "_full_integer_quant.tflite"
"""What ultralytics' exporter calls the file with integers at both ends."""
BESIDE = "published"


def published_files(folder: Path | None, checkpoints: Path | None, names: Iterable[str]) -> Mapping[str, Path]:
    """Model -> its published full-integer file, `NAME_full_integer_quant.tflite` anywhere below a folder.

    The folder is the one given, else one called `published` beside the checkpoints or below them; UsageError when the one given
    holds none.
    """
    places = (
        [folder] if folder else [place / BESIDE for place in (checkpoints, checkpoints.parent) if place] if checkpoints else []
    )
    files = {path.name: path for place in places if place.is_dir() for path in sorted(place.rglob(f"*{ENDING}"))}
    found = {name: files[name + ENDING] for name in names if name + ENDING in files}
    if folder and not found:
        raise UsageError(f"--published `{folder}` holds no published file", f"files such as level2_relu{ENDING}")
    return found
