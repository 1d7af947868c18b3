"""Every task by name, and which one a model is for when nobody says."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path

from core.tflite.graph import TfliteGraph
from harness.tasks.classify.metadata import metadata_labels, metadata_preprocess
from harness.tasks.classify.preprocess import Preprocess, parse_preprocess
from harness.tasks.classify.task import Classify
from harness.tasks.detect.task import Detect
from harness.tasks.no_task import NoTask
from harness.tasks.score.task import Score
from harness.tasks.task import AnyTask, TaskName

Make = Callable[[Preprocess | None, tuple[str, ...]], AnyTask]
TASKS: dict[TaskName, Make] = {
    "detect": lambda preprocess, classes: Detect(),
    "classify": Classify,
    "score": lambda preprocess, classes: Score(preprocess),
    "none": lambda preprocess, classes: NoTask(),
}
"""Task -> how it is made of the preprocessing of images and the model's own class names, where these are known."""


def task_of(graph: TfliteGraph) -> TaskName:
    """What a TFLite file is for, by its shapes.

    One output of one value, or a flat one of the input's own size, is a score (a reconstruction has an error); one flat output
    of several values is a class each; everything else is asked for boxes.
    """
    if len(graph.outputs) != 1 or len(graph.inputs) != 1:
        return "detect"
    shape, size = graph.outputs[0].shape, prod(graph.outputs[0].shape)
    if max(shape, default=1) != size:
        return "detect"
    return "score" if size in (1, prod(graph.inputs[0].shape)) else "classify"


def task_named(name: TaskName, preprocess: str, model: Path | None) -> AnyTask:
    """A task for a model; what `--preprocess` says counts before the metadata of a TFLite file."""
    asked = parse_preprocess(preprocess) if preprocess else None
    if model is None or name not in ("classify", "score"):
        return TASKS[name](asked, ())
    return TASKS[name](asked or metadata_preprocess(model), metadata_labels(model))
