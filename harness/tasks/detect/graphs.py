"""A detector on the host's CPU: a model whose one input is an image, pixels in, float tensors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.records.image_form import ImageForm, image_form
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.pixels import to_float, to_quantised
from harness.tasks.runtimes import Floats, Runtime, TensorFormat, in_type, open_runtime


class Graph(Protocol):
    """A loaded model whose one input is an image."""

    @property
    def path(self) -> Path:
        """The model's file."""
        ...

    @property
    def image(self) -> ImageForm:
        """How the input holds an image."""
        ...

    def run(self, canvas: NDArray[np.uint8]) -> list[Floats]:
        """The outputs in the model's order, dequantised to float32, for pixels uint8 (1, height, width, channels)."""
        ...


@dataclass(frozen=True)
class LoadedGraph:
    """A model in a runtime of this computer.

    `image` says how its input holds an image, `preprocess` what its pixels become; None: 0..1.
    """

    runtime: Runtime
    image: ImageForm
    preprocess: Preprocess | None = None

    @property
    def path(self) -> Path:
        """The model's file."""
        return self.runtime.path

    @property
    def input(self) -> TensorFormat:
        """The input that takes the image."""
        return self.runtime.inputs[0]

    @property
    def outputs(self) -> tuple[TensorFormat, ...]:
        """The outputs in the model's order."""
        return self.runtime.outputs

    def run(self, canvas: NDArray[np.uint8]) -> list[Floats]:
        """The outputs for an image."""
        return self.runtime.infer(_laid_out(self._values(canvas), self.image))

    def _values(self, canvas: NDArray[np.uint8]) -> NDArray[Any]:
        form = self.input
        if self.preprocess:
            return in_type(self.preprocess.normalised(canvas), form)
        dtype = np.dtype(form.dtype).type
        return to_quantised(canvas, form.scale, form.zero_point, dtype) if form.quantised else to_float(canvas)


def open_graph(path: Path, threads: int, preprocess: Preprocess | None = None) -> LoadedGraph:
    """The model in a `.onnx` or `.tflite` file on `threads` threads; ModelError when it is broken, or takes no image."""
    runtime = open_runtime(path, threads)
    return LoadedGraph(runtime, _image(path, runtime.inputs), preprocess)


def _image(path: Path, inputs: Sequence[TensorFormat]) -> ImageForm:
    """How the only input holds an image; ModelError when it is none of fixed size, or several at once."""
    form = image_form(inputs[0].shape)
    readable = inputs[0].dtype in ("float32", "int8", "uint8", "int16")
    if len(inputs) == 1 and form is not None and form.batch == 1 and readable:
        return form
    found = ", ".join(f"`{each.name}` {'x'.join(map(str, each.shape))} {each.dtype}" for each in inputs)
    raise ModelError(f"`{path}` has input {found}", expected="one image of fixed size with 1 or 3 channels, 1xHxWxC or 1xCxHxW")


def _laid_out(canvas: NDArray[Any], form: ImageForm) -> NDArray[Any]:
    """Values (1, height, width, channels) in the layout of a model's input."""
    return canvas.transpose(0, 3, 1, 2) if form.layout == "NCHW" else canvas
