"""The images a quantiser sees: of the user's training split, or photographs that come inside a package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conversion.checkpoint import packaged_images
from conversion.steps import Calibration
from core.files import sha256
from core.records.image_form import ImageForm
from harness.tasks.detect.task import letterboxed
from harness.tasks.images import read_image
from harness.tasks.kinds import OfKind

WINDOWS_PER_PHOTOGRAPH = 8
WINDOW_SHARE = 0.6
"""Side of a window, as a share of the photograph's sides."""

Pixels = NDArray[np.uint8]


def data_calibration(task: OfKind, data: Path, count: int) -> Calibration:
    """`count` images of the training split, evenly spaced, brought to the input's size as the task does."""
    chosen = task.calibration(data, count)
    return Calibration(
        identity=chosen.identity,
        count=len(chosen.files),
        letterboxed=lambda form: np.concatenate([chosen.sized(read_image(path), form) for path in chosen.files]),
    )


def packaged_calibration() -> Calibration:
    """Windows of the photographs inside the ultralytics package, for models that no data set is given for."""
    paths = packaged_images()
    windows = f"{WINDOWS_PER_PHOTOGRAPH} windows of {WINDOW_SHARE}"
    return Calibration(
        identity=sha256(b"".join([*(path.read_bytes() for path in paths), windows.encode()])),
        count=len(paths) * WINDOWS_PER_PHOTOGRAPH,
        letterboxed=lambda form: _stack((window for path in paths for window in _windows(read_image(path))), form),
    )


def _windows(image: Pixels) -> Iterator[Pixels]:
    """Windows along the diagonal and its mirror image, uint8 RGB."""
    height, width = (int(side * WINDOW_SHARE) for side in image.shape[:2])
    steps = WINDOWS_PER_PHOTOGRAPH // 2
    for step in range(steps):
        top = (image.shape[0] - height) * step // (steps - 1)
        left = (image.shape[1] - width) * step // (steps - 1)
        window = image[top : top + height, left : left + width]
        yield window
        yield window[:, ::-1]


def _stack(images: Iterator[Pixels], form: ImageForm) -> Pixels:
    return np.concatenate([letterboxed(image, form) for image in images])
