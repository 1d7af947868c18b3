"""Recipes held against each other on calibration images, four folds: `python -m benchmarks.studies.recipes.crossvalidation`.

Each quarter of the images is judged by a model calibrated on the other three, and the detections of all quarters are pooled
into one mAP, so that every image counts once and none was seen by the model that is judged on it. The test split stays shut.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import click
import numpy as np

from benchmarks.studies.recipes.bias import correct_biases
from benchmarks.studies.recipes.constants import FloatModel, replace_constants
from benchmarks.studies.recipes.equalise import EqualiseRule, equalise
from benchmarks.studies.recipes.wide import attention
from conversion.quantise import CALIBRATION_THREADS, assembled
from conversion.ranges import Extremes, Floats, RangeRule, choose, observe
from conversion.steps import Origin, exported, facts_of
from core.records.image_form import square
from core.tflite.graph import parse
from harness.tasks.detect.bootstrap import bootstrap_difference
from harness.tasks.detect.coco import coco_accuracy
from harness.tasks.detect.dataset import Dataset, load_dataset
from harness.tasks.detect.detections import Detections
from harness.tasks.detect.evaluate import canvases, detect
from harness.tasks.detect.graphs import open_graph
from harness.tasks.detect.layout import Layout, find_layout
from harness.tasks.pixels import to_float
from harness.tasks.spacing import evenly

FOLDS = 4
BIAS_IMAGES = 24
"""Calibration images that biases are corrected with."""
THREADS = 2


@dataclass(frozen=True)
class Candidate:
    """A recipe to judge.

    How ranges are chosen, how far channels are equalised (strength 0: not at all), whether the attention computes with int16
    activations, and whether biases are corrected.
    """

    name: str
    ranges: RangeRule
    equalise: EqualiseRule
    wide_attention: bool = False
    correct_biases: bool = False


OFF = EqualiseRule(strength=0.0)
SHARED = RangeRule(share_concat=True)
WIDER = RangeRule(share_concat=True, output_margin=1.2)
TIGHTER = replace(WIDER, inner_margin=0.9)
CANDIDATES = (
    Candidate("full-range", RangeRule(), OFF),
    Candidate("+ one range per concatenation", SHARED, OFF),
    Candidate("+ output margin 1.2", WIDER, OFF),
    Candidate("+ inner margin 0.9", TIGHTER, OFF),
    Candidate("+ inner margin 0.9, nothing shared", RangeRule(output_margin=1.2, inner_margin=0.9), OFF),
    Candidate("+ inner margin 1.1", replace(WIDER, inner_margin=1.1), OFF),
    Candidate("+ equalisation 0.5", WIDER, EqualiseRule()),
    Candidate(
        "+ equalisation 0.5, class floor -12",
        replace(WIDER, class_floor=-12.0),
        EqualiseRule(),
    ),
    Candidate("+ equalisation 0.5, class floor -9", replace(WIDER, class_floor=-9.0), EqualiseRule()),
    Candidate("+ equalisation 0.5, nothing shared", RangeRule(output_margin=1.2), EqualiseRule(share_concat=False)),
    Candidate("+ equalisation 0.5, inner margin 0.9", TIGHTER, EqualiseRule()),
    Candidate(
        "+ equalisation 0.5, nothing shared, inner margin 0.9",
        RangeRule(output_margin=1.2, inner_margin=0.9),
        EqualiseRule(share_concat=False),
    ),
    Candidate("+ int16 attention", RangeRule(), OFF, wide_attention=True),
    Candidate("+ bias correction", RangeRule(), OFF, correct_biases=True),
)


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--only", multiple=True, help="Only candidates whose name holds this text.")
@click.option("--exact", multiple=True, help="Only candidates of exactly this name.")
def main(checkpoint: Path, data: Path, only: tuple[str, ...], exact: tuple[str, ...]) -> None:
    """Print the pooled mAP of every candidate and what it lost of the float model's, one JSON line each."""
    origin = Origin(checkpoint.stem, checkpoint=checkpoint)
    facts = facts_of(origin, lambda text: None)
    floats = exported(origin, facts, facts.image_size, "raw", lambda text: None) / "float.tflite"
    dataset = load_dataset(data, split="train")
    folds = [list(range(start, len(dataset.images), FOLDS)) for start in range(FOLDS)]
    judge = Judge(dataset, folds, _layout(floats, dataset))
    aim = judge.pooled([floats] * FOLDS)
    _print("float", judge.figures(aim))
    content = floats.read_bytes()
    model = FloatModel(content, parse(content, "float"))
    fed = (inputs(dataset.take(fold), facts.image_size) for fold in folds)
    seen = [observe(content, model.graph, images, CALIBRATION_THREADS, per_channel=True) for images in fed]
    for candidate in CANDIDATES:
        wanted = candidate.name in exact or any(text in candidate.name for text in only)
        if wanted or not (only or exact):
            with tempfile.TemporaryDirectory() as folder:
                quantiser = Quantiser(model, seen, dataset, facts.image_size)
                _print(candidate.name, judge.figures(judge.pooled(quantiser.models(candidate, Path(folder))), aim))


@dataclass(frozen=True)
class Judge:
    """Judges one model per fold on the images of that fold, and pools what they find."""

    dataset: Dataset
    folds: Sequence[Sequence[int]]
    layout: Layout

    def pooled(self, models: Sequence[Path]) -> Detections:
        """What the models find in all images, each in those of its fold."""
        found = [self._found(path, fold) for path, fold in zip(models, self.folds, strict=True)]
        return Detections(*(np.concatenate([getattr(part, name) for part in found]) for name in FIELDS))

    def figures(self, found: Detections, aim: Detections | None = None) -> dict[str, float]:
        """mAP50 and mAP50-95 over all images; against `aim` also the loss of the latter, with its paired bootstrap interval."""
        accuracy = coco_accuracy(found, self.dataset)
        figures = {"map50": accuracy.map50, "map50_95": accuracy.map50_95}
        if aim is not None:
            lost = bootstrap_difference(aim, found, self.dataset)
            figures |= {"loss": lost.difference, "low": lost.low, "high": lost.high}
        return figures

    def _found(self, path: Path, fold: Sequence[int]) -> Detections:
        (found,) = detect(open_graph(path, THREADS), self.dataset.take(fold), self.layout)
        return Detections(np.asarray(fold)[found.images], found.boxes, found.scores, found.classes)


FIELDS = ("images", "boxes", "scores", "classes")


@dataclass(frozen=True)
class Quantiser:
    """Makes the models of a candidate; `seen` are the extremes of each fold, `size` is the side of an image in pixels."""

    model: FloatModel
    seen: Sequence[Mapping[int, Extremes]]
    dataset: Dataset
    size: int

    def models(self, candidate: Candidate, folder: Path) -> list[Path]:
        """For each fold, a model calibrated on all others."""
        return [self.build(candidate, left_out, folder / f"{left_out}.tflite") for left_out in range(FOLDS)]

    def build(self, candidate: Candidate, left_out: int, path: Path) -> Path:
        """The model of one fold, calibrated on all others, written to `path`."""
        others = reduce(_merged, (part for fold, part in enumerate(self.seen) if fold != left_out))
        constants, equalised = equalise(self.model, others, candidate.equalise)
        content = replace_constants(self.model.content, constants)
        model = FloatModel(content, self.model.graph)
        ranges = choose(model.graph, equalised, candidate.ranges)
        if candidate.correct_biases:
            content = replace_constants(content, correct_biases(model, ranges, self._images(left_out)))
        wide = attention(model.graph) if candidate.wide_attention else []
        path.write_bytes(assembled(content, model.graph, ranges, wide))
        return path

    def _images(self, left_out: int) -> list[Floats]:
        """Some images of all folds but one, evenly spaced."""
        others = [image for image in range(len(self.dataset.images)) if image % FOLDS != left_out]
        chosen = [others[position] for position in evenly(len(others), BIAS_IMAGES)]
        return inputs(self.dataset.take(chosen), self.size)


def _merged(first: Mapping[int, Extremes], second: Mapping[int, Extremes]) -> dict[int, Extremes]:
    return {
        tensor: Extremes(np.minimum(first[tensor].low, second[tensor].low), np.maximum(first[tensor].high, second[tensor].high))
        for tensor in first
    }


def inputs(dataset: Dataset, size: int) -> list[Floats]:
    """The images as the float model takes them, float32 (1, size, size, 3) in 0..1."""
    return [to_float(canvas) for canvas in canvases(dataset, square(size))]


def _layout(path: Path, dataset: Dataset) -> Layout:
    graph = open_graph(path, THREADS)
    found = find_layout([output.shape for output in graph.outputs], len(dataset.class_names), graph.image.sides)
    assert isinstance(found, Layout), found
    return found


def _print(name: str, figures: Mapping[str, float]) -> None:
    click.echo(json.dumps({"recipe": name, **{figure: round(value, 4) for figure, value in figures.items()}}))


if __name__ == "__main__":
    main()
