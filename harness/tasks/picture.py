"""The input of a TFLite file that takes images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.records.image_form import ImageForm, image_form
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Tensor
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.pixels import to_float, to_quantised
from harness.tasks.runtimes import format_of, in_type

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """The one input of a model that takes images: its position among the inputs, its tensor, and how it holds them.

    `preprocess` is what pixels become; None: 0..1.
    """

    position: int
    tensor: Tensor
    form: ImageForm
    preprocess: Preprocess | None = None

    def filled(self, pixels: Iterable[Pixels]) -> Iterator[NDArray[Any]]:
        """Pixels uint8 (1, height, width, channels) in the tensor's own type, layout and batch; a rest of a batch is left."""
        remaining = iter(pixels)
        while len(images := list(islice(remaining, self.form.batch))) == self.form.batch:
            yield self._values(np.concatenate(images)).reshape(self.tensor.shape)

    def _values(self, pixels: Pixels) -> NDArray[Any]:
        if self.preprocess:
            return self._turned(in_type(self.preprocess.normalised(pixels), format_of(self.tensor)))
        turned = self._turned(pixels)
        if self.tensor.is_float:
            return to_float(turned)
        dtype = np.dtype(self.tensor.dtype).type
        return to_quantised(turned, self.tensor.scales[0], self.tensor.zero_points[0], dtype)

    def _turned(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.transpose(0, 3, 1, 2) if self.form.layout == "NCHW" else values


def picture(graph: TfliteGraph) -> Picture | Unavailable:
    """The input that images can be fed to, or why there is none."""
    found = [one for position, tensor in enumerate(graph.inputs) if (one := _picture(position, tensor))]
    if len(found) == 1:
        return found[0]
    takes = ", ".join(f"`{tensor.name}` {tensor.dtype} {list(tensor.shape)}" for tensor in graph.inputs)
    return Unavailable(f"the model takes {takes}: {'no' if not found else 'more than one'} image of 1 or 3 channels")


def _picture(position: int, tensor: Tensor) -> Picture | None:
    """A tensor as an image: quantised with one scale, or float."""
    form = image_form(tensor.shape)
    quantised = tensor.dtype in ("int8", "uint8", "int16") and len(tensor.scales) == 1 and tensor.scales[0] > 0
    if form is None or tensor.dynamic or not (quantised or tensor.dtype == "float32"):
        return None
    return Picture(position, tensor, form)
