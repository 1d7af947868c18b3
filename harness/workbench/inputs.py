"""What a target is given to run: files of the user's, images of the data set, packaged photographs, or seeded noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from core.records.job import Tensors
from core.tflite.graph import TfliteGraph
from harness.tasks.picture import Picture
from harness.tasks.spacing import evenly
from harness.tasks.task import AnyTask, DataSet
from harness.workbench.calibration import packaged_calibration
from harness.workbench.noise import noise


@dataclass(frozen=True)
class Inputs:
    """The input tensors of each inference, what they are in words, and the options that figures on them depend on.

    `dataset` are the images that were fed, one for each inference, None where it was anything else; `instead` whether there
    was a data set, and the model was given something else.
    """

    feeds: tuple[Tensors, ...]
    said: str
    options: dict[str, str] = field(default_factory=dict)
    dataset: DataSet | None = None
    instead: bool = False


def of_dataset(task: AnyTask, dataset: DataSet, count: int, graph: TfliteGraph, position: int) -> Inputs:
    """`count` inferences on inputs of the data set, evenly spaced, as the int8 graph takes them; other inputs are noise."""
    batch = task.batch(graph, position)
    positions = evenly(dataset.count, count * batch)
    if len(positions) < batch:  # a set smaller than one batch goes round
        positions = [positions[index % len(positions)] for index in range(batch)]
    chosen: DataSet = task.take(dataset, positions)
    number = f"{chosen.count} of {dataset.of}"
    said = f"{number} images of {dataset.name}"
    whole = _beside(graph, position, task.tensors(chosen, graph, position))
    return Inputs(whole, said, {"data": chosen.identity, "images": number}, chosen if batch == 1 else None)


def of_photographs(count: int, graph: TfliteGraph, shown: Picture) -> Inputs:
    """`count` windows of the photographs inside the ultralytics package, evenly spaced, as for an image of a data set."""
    found = packaged_calibration()
    windows = found.letterboxed(shown.form)
    chosen = windows[evenly(len(windows), count * shown.form.batch)]
    said = f"{len(chosen)} windows of packaged photographs"
    whole = _beside(graph, shown.position, shown.filled(window[None] for window in chosen))
    return Inputs(whole, said, {"data": found.identity, "images": said})


def _beside(graph: TfliteGraph, position: int, images: Iterable[NDArray[Any]]) -> tuple[Tensors, ...]:
    """Each image with noise in the model's other inputs."""
    return tuple(
        tuple(image if place == position else noise(graph, place, seed) for place in range(len(graph.inputs)))
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
