"""Inputs that are no images, as numpy saves them: audio features, sensors, spectrograms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError

INPUTS, LABELS = ("inputs", "x", "X", "data", "x_test"), ("labels", "y", "Y", "targets", "y_test")
EXPECTED = "an .npz with `inputs` and `labels`, or an .npy with its labels in NAME_labels.npy beside it"


@dataclass(frozen=True, eq=False)
class Arrays:
    """`inputs` (n, ...) in any type, `labels` n texts."""

    inputs: NDArray[Any]
    labels: list[str]


def open_arrays(path: Path) -> Arrays:
    """The inputs with their labels; DatasetError when a file is broken, holds objects, or the counts differ."""
    if path.suffix == ".npz":
        inputs, labels = _archive(path)
    else:
        inputs, labels = _array(path), _array(path.with_name(f"{path.stem}_labels.npy"))
    if labels.ndim == 2 and 1 in labels.shape:
        labels = labels.reshape(-1)
    if inputs.ndim < 2 or labels.ndim != 1 or len(labels) != len(inputs) or not len(labels):
        found = f"`{path}` holds inputs {list(inputs.shape)} and labels {list(labels.shape)}"
        raise DatasetError(found, "one label for each input: (n, ...) and (n,)")
    whole = np.issubdtype(labels.dtype, np.integer) or np.issubdtype(labels.dtype, np.bool_)
    if not whole and labels.dtype.kind != "U":
        raise DatasetError(f"`{path}` has labels of {labels.dtype}", "class numbers or class names")
    if whole and labels.min() < 0:
        raise DatasetError(f"`{path}` has label {labels.min()}", "class numbers from 0 on")
    texts = labels.astype(np.int64) if whole else labels
    return Arrays(inputs, [str(label) for label in texts.tolist()])


def _archive(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs and labels of an .npz by their usual names."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = [next((name for name in names if name in archive.files), "") for names in (INPUTS, LABELS)]
            if not all(found):
                raise DatasetError(f"`{path}` holds {', '.join(archive.files[:10]) or 'nothing'}", EXPECTED)
            return archive[found[0]], archive[found[1]]
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", EXPECTED) from error


def _array(path: Path) -> NDArray[Any]:
    """The one array of an .npy."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"`{path}` cannot be read: {error}", EXPECTED) from error
    if not isinstance(values, np.ndarray):
        raise DatasetError(f"`{path}` holds several arrays", EXPECTED)
    return values
