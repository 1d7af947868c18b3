"""Every task by name, and which one a model is for when nobody says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from core.errors import UsageError
from core.records.checkpoint_facts import CheckpointFacts
from core.tflite.graph import TfliteGraph
from harness.tasks.classify.metadata import metadata_labels, metadata_preprocess
from harness.tasks.classify.preprocess import FLAG, Preprocess, parse_preprocess
from harness.tasks.classify.task import Classify
from harness.tasks.detect.task import Detect
from harness.tasks.no_task import NoTask
from harness.tasks.score.task import Score
from harness.tasks.task import AnyTask, TaskName

OfKind = AnyTask
"""Any task; who names it depends on all of their code, as what is cached of them does."""


@dataclass(frozen=True)
class Known:
    """What is known of a model beside its shapes: preprocessing, class names, whether its head is end to end."""

    preprocess: Preprocess | None = None
    classes: tuple[str, ...] = ()
    end_to_end: bool | None = None


TASKS: dict[TaskName, Callable[[Known], OfKind]] = {
    "detect": lambda known: Detect(known.end_to_end, known.preprocess),
    "classify": lambda known: Classify(known.preprocess, known.classes),
    "score": lambda known: Score(known.preprocess),
    "none": lambda known: NoTask(),
}
"""Task -> how it is made of what is known of a model."""
OWN_PREPROCESS = Preprocess((0.0,), (255.0,))
"""Of ultralytics' classifiers: the middle of the image, 0..1."""


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


def task_named(name: TaskName, preprocess: str, model: Path | None, facts: CheckpointFacts | None) -> OfKind:
    """A task for a model; what `--preprocess` says counts before the metadata of a TFLite file, or a checkpoint's own rule."""
    asked = parse_preprocess(preprocess) if preprocess else None
    _require_use(name, preprocess)
    if facts:
        own = None if name == "detect" else OWN_PREPROCESS
        return TASKS[name](Known(asked or own, facts.classes, facts.end_to_end))
    if model is None or name == "none":
        return TASKS[name](Known(asked))
    return TASKS[name](Known(asked or metadata_preprocess(model), metadata_labels(model)))


def _require_use(name: TaskName, preprocess: str) -> None:
    """Nothing, or UsageError when a task does not do what `--preprocess` asks for."""
    if preprocess and name == "none":
        raise UsageError(f"{FLAG} {preprocess} beside --task none: no image is fed", "one of the two", "--task none")
    if "resize=" in preprocess and name == "detect":
        raise UsageError(
            f"{FLAG} {preprocess} for a detector: its images are letterboxed, and boxes are found back by that",
            "mean, std and order alone",
            f"{FLAG} mean=127.5,std=127.5",
        )
