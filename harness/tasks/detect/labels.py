"""YOLO label files: boxes or polygons, normalised to 0..1, one object per row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError
from core.files import read_regular

_TOLERANCE = 0.01
MOST_BYTES = 1 << 24
"""How far outside 0..1 a coordinate may lie before it is taken for pixels; ultralytics' own tolerance."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """The true boxes of one image: `classes` int64 (n,), `corners` float64 (n, 4) as x1 y1 x2 y2 in pixels."""

    classes: NDArray[np.int64]
    corners: NDArray[np.float64]


def label_path(image: Path) -> Path:
    """Where the labels of an image lie: the last folder `images` becomes `labels`, the suffix `.txt`."""
    parts = list(image.parts)
    folders = [i for i, part in enumerate(parts[:-1]) if part == "images"]
    if folders:
        parts[folders[-1]] = "labels"
    return Path(*parts).with_suffix(".txt")


def read_labels(path: Path, width: int, height: int, class_names: Sequence[str]) -> tuple[bytes, Boxes]:
    """The file's bytes (empty when there is no file: background) and its boxes in pixels of a `width` x `height` image.

    Rows that repeat word for word count once, as in ultralytics. DatasetError names file, row and what is wrong with it.
    """
    try:
        content = read_regular(path, MOST_BYTES)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        content, text = b"", ""
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", expected="a text file, one object per row") from error
    rows: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        rows.setdefault(tuple(line.split()), number)
    parsed = [_parse_row(words, f"`{path}`, row {number}", class_names) for words, number in rows.items() if words]
    corners = np.array([box for _, box in parsed], np.float64).reshape(-1, 4) * (width, height, width, height)
    return content, Boxes(np.array([index for index, _ in parsed], np.int64), corners)


def _parse_row(words: tuple[str, ...], where: str, class_names: Sequence[str]) -> tuple[int, tuple[float, ...]]:
    """The class and the normalised corners of one row."""
    try:
        index, *values = (float(word) for word in words)
    except ValueError:
        raise DatasetError(f"{where}: `{' '.join(words)[:60]}` has a word that is no number", expected=_ROWS) from None
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise DatasetError(f"{where}: {len(words)} values", expected=_ROWS)
    if index not in range(len(class_names)):
        raise DatasetError(
            f"{where}: class {words[0]}", expected=f"0 to {len(class_names) - 1} ({class_names[0]} to {class_names[-1]})"
        )
    if not all(math.isfinite(value) and -_TOLERANCE <= value <= 1 + _TOLERANCE for value in values):
        raise DatasetError(
            f"{where}: a coordinate outside 0..1", expected="coordinates divided by the image's width and height"
        )
    if len(values) > 4:
        return int(index), (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
    x, y, w, h = values
    if w < 0 or h < 0:
        raise DatasetError(f"{where}: a box of negative size", expected=_ROWS)
    return int(index), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)


_ROWS = "`class cx cy w h`, or `class x1 y1 x2 y2 x3 y3 ...` for a polygon"
