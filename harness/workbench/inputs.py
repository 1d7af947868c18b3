"""What a target is given to run: files of the user's, images of the data set, packaged photographs, or seeded noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.records.image_form import ImageForm, image_form
from core.records.job import Tensors
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Tensor
from harness.tasks.detect.dataset import Dataset, evenly
from harness.tasks.detect.evaluate import canvases
from harness.tasks.detect.letterbox import to_float, to_quantised
from harness.workbench.calibration import packaged_calibration
from harness.workbench.noise import noise

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Inputs:
    """The input tensors of each inference, what they are in words, and the options that figures on them depend on.

    `dataset` are the images that were fed, one for each inference, None where it was anything else; `instead` whether there
    was a data set, and the model was given something else.
    """

    feeds: tuple[Tensors, ...]
    said: str
    options: dict[str, str] = field(default_factory=dict)
    dataset: Dataset | None = None
    instead: bool = False


@dataclass(frozen=True)
class Picture:
    """The one input of a model that takes images: its position among the inputs, its tensor, and how it holds them."""

    position: int
    tensor: Tensor
    form: ImageForm

    def filled(self, pixels: Iterable[Pixels]) -> Iterator[NDArray[Any]]:
        """Pixels uint8 (1, height, width, channels) in the tensor's own type, layout and batch; a rest of a batch is left."""
        remaining = iter(pixels)
        while len(images := list(islice(remaining, self.form.batch))) == self.form.batch:
            yield self._values(np.concatenate(images)).reshape(self.tensor.shape)

    def _values(self, pixels: Pixels) -> NDArray[Any]:
        turned = pixels.transpose(0, 3, 1, 2) if self.form.layout == "NCHW" else pixels
        if self.tensor.is_float:
            return to_float(turned)
        dtype = np.dtype(self.tensor.dtype).type
        return to_quantised(turned, self.tensor.scales[0], self.tensor.zero_points[0], dtype)


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


def of_dataset(dataset: Dataset, count: int, graph: TfliteGraph, shown: Picture) -> Inputs:
    """`count` images, evenly spaced, letterboxed and quantised as for the int8 graph; other inputs are noise."""
    form = shown.form
    positions = evenly(len(dataset.images), count * form.batch)
    if len(positions) < form.batch:  # a set smaller than one batch goes round
        positions = [positions[index % len(positions)] for index in range(form.batch)]
    chosen = dataset.take(positions)
    number = f"{len(chosen.images)} of {dataset.of}"
    said = f"{number} images of {dataset.name}"
    whole = _beside(graph, shown, shown.filled(canvases(chosen, form)))
    return Inputs(whole, said, {"data": chosen.identity, "images": number}, chosen if form.batch == 1 else None)


def of_photographs(count: int, graph: TfliteGraph, shown: Picture) -> Inputs:
    """`count` windows of the photographs inside the ultralytics package, evenly spaced, as for an image of a data set."""
    found = packaged_calibration()
    windows = found.letterboxed(shown.form)
    chosen = windows[evenly(len(windows), count * shown.form.batch)]
    said = f"{len(chosen)} windows of packaged photographs"
    whole = _beside(graph, shown, shown.filled(window[None] for window in chosen))
    return Inputs(whole, said, {"data": found.identity, "images": said})


def _beside(graph: TfliteGraph, shown: Picture, images: Iterable[NDArray[Any]]) -> tuple[Tensors, ...]:
    """Each image with noise in the model's other inputs."""
    return tuple(
        tuple(image if place == shown.position else noise(graph, place, seed) for place in range(len(graph.inputs)))
        for seed, image in enumerate(images)
    )


def of_noise(count: int, graph: TfliteGraph) -> Inputs:
    """A ramp over all values of each input's type, then noise over all of them and noise around the middle, in turn."""
    feeds = tuple(tuple(noise(graph, place, seed) for place in range(len(graph.inputs))) for seed in range(count))
    said = f"{count} inputs of seeded noise"
    return Inputs(feeds, said, {"images": said})


def with_given(inputs: Inputs, graph: TfliteGraph, given: Mapping[int, NDArray[Any]], identity: Mapping[str, str]) -> Inputs:
    """The same inputs with the user's own tensors, by position, in the place of what was there.

    A model that is given all of them runs once. `identity` has the hash of each file by the name of its input.
    """
    if not given:
        return inputs
    whole = len(given) == len(graph.inputs)
    feeds = tuple(
        tuple(given.get(place, values) for place, values in enumerate(feed)) for feed in inputs.feeds[: 1 if whole else None]
    )
    names = " and ".join(f"`{graph.inputs[place].name}`" for place in sorted(given))
    said = f"{names} as given" if whole else f"{names} as given, {inputs.said} beside"
    options = {} if whole else inputs.options
    options = {**options, **{f"input {name}": digest for name, digest in identity.items()}}
    return replace(inputs, feeds=feeds, said=said, options=options)


def instead_of_data(inputs: Inputs, why: str) -> Inputs:
    """The same inputs, which say why they are not images of the data set that was given."""
    return replace(inputs, said=f"{inputs.said}, none of --data: {why}", dataset=None, instead=True)
