"""What an NPU target is given to run: images of the data set, photographs that come inside a package, or seeded noise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.tflite.nodes import Tensor
from harness.tasks.detect.dataset import Dataset, evenly
from harness.tasks.detect.evaluate import canvases
from harness.tasks.detect.graphs import TensorFormat
from harness.tasks.detect.letterbox import to_quantised
from harness.workbench.calibration import packaged_calibration

Tensors = tuple[NDArray[np.int8], ...]


@dataclass(frozen=True)
class Inputs:
    """Input tensors in the model's shape, what they are in words, and the options that figures on them depend on."""

    tensors: Tensors
    said: str
    options: dict[str, str]


def of_dataset(dataset: Dataset, count: int, size: int, form: TensorFormat) -> Inputs:
    """`count` images, evenly spaced, letterboxed and quantised as for the int8 graph."""
    chosen = dataset.take(evenly(len(dataset.images), count))
    number = f"{len(chosen.images)} of {dataset.of}"
    said = f"{number} images of {dataset.name}"
    return Inputs(_quantised(canvases(chosen, size), form), said, {"data": chosen.identity, "images": number})


def of_photographs(count: int, size: int, form: TensorFormat) -> Inputs:
    """`count` windows of the photographs inside the ultralytics package, evenly spaced, as for an image of a data set."""
    found = packaged_calibration()
    windows = found.letterboxed(size)
    chosen = windows[evenly(len(windows), count)]
    said = f"{len(chosen)} windows of packaged photographs"
    return Inputs(_quantised((window[None] for window in chosen), form), said, {"data": found.identity, "images": said})


def of_noise(count: int, form: Tensor) -> Inputs:
    """A ramp over all int8 values, then noise over all of them and noise around the middle, in turn."""
    tensors = [np.resize(np.arange(-128, 128, dtype=np.int8), form.shape)]
    for seed in range(1, count):
        random = np.random.default_rng(seed)
        wide = random.integers(-128, 128, form.shape, dtype=np.int8)
        narrow = np.clip(random.normal(0, 127 / 6, form.shape), -128, 127).astype(np.int8)
        tensors.append(wide if seed % 2 else narrow)
    said = f"{count} seeded inputs"
    return Inputs(tuple(tensors), said, {"images": said})


def _quantised(images: Iterable[NDArray[np.uint8]], form: TensorFormat) -> Tensors:
    return tuple(
        to_quantised(image, form.scale, form.zero_point, np.int8).astype(np.int8, copy=False).reshape(form.shape)
        for image in images
    )
