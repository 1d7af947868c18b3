"""How far int8 maps lie from float ones, without labels: `python -m benchmarks.studies.recipes.distances`.

mAP over 256 images moves by some .005 between near-identical files; these two figures move less. The models are calibrated on
three quarters of the calibration images and compared with the float model on every fourth image of the last quarter.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.recipes.constants import FloatModel
from benchmarks.studies.recipes.crossvalidation import CANDIDATES, FOLDS, THREADS, Quantiser, inputs
from conversion.quantise import CALIBRATION_THREADS
from conversion.ranges import Floats, observe
from conversion.steps import Origin, exported, facts_of
from core.tflite.graph import parse
from harness.tasks.detect.dataset import Dataset, load_dataset
from harness.tasks.detect.evaluate import canvases
from harness.tasks.detect.graphs import open_graph

BINS = 16
EVERY = 4
"""Of the images of the fold that is left out, every fourth is judged."""
PLAUSIBLE = 0.01
"""Places whose best float score lies below this hold no box, and their box distances do not count."""


@dataclass(frozen=True)
class Distance:
    """Sums over images; divided by `weight`, the float scores of all plausible places, they are comparable between models.

    `excess` is the cross-entropy of the int8 class scores under the float ones beyond the float ones' own, in nats; `shift` is
    by how many bins the four sides of a box move, weighted with its float score.
    """

    excess: float = 0.0
    shift: float = 0.0
    weight: float = 0.0

    def __add__(self, other: Distance) -> Distance:
        return Distance(self.excess + other.excess, self.shift + other.shift, self.weight + other.weight)


def distance(exact: Sequence[Floats], rounded: Sequence[Floats]) -> Distance:
    """The distance of one image's raw maps, float32 (1, H, W, C), box and class maps taking turns."""
    total = Distance()
    for position in range(0, len(exact), 2):
        aim = _sigmoid(exact[position + 1])
        best = aim.max(-1)
        weight = np.where(best > PLAUSIBLE, best, 0.0)
        excess = _cross_entropy(rounded[position + 1], aim) - _cross_entropy(exact[position + 1], aim)
        moved = np.abs(_sides(rounded[position]) - _sides(exact[position])).sum(-1)
        total += Distance(excess, float((weight * moved).sum()), float(weight.sum()))
    return total


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--exact", multiple=True, help="Only candidates of exactly this name.")
def main(checkpoint: Path, data: Path, exact: tuple[str, ...]) -> None:
    """Print the distances of every candidate of the cross-validation, one JSON line each."""
    origin = Origin(checkpoint.stem, checkpoint=checkpoint)
    facts = facts_of(origin, lambda text: None)
    floats = exported(origin, facts, facts.image_size, "raw", lambda text: None) / "float.tflite"
    dataset = load_dataset(data, split="train")
    content = floats.read_bytes()
    model = FloatModel(content, parse(content, "float"))
    folds = [dataset.take(range(start, len(dataset.images), FOLDS)) for start in range(FOLDS)]
    seen = [observe(content, model.graph, inputs(fold, facts.image_size), CALIBRATION_THREADS) for fold in folds]
    judged = dataset.take(range(0, len(dataset.images), FOLDS * EVERY))
    aims = _maps(floats, judged)
    quantiser = Quantiser(model, seen, dataset, facts.image_size)
    for candidate in CANDIDATES:
        if not exact or candidate.name in exact:
            with tempfile.TemporaryDirectory() as folder:
                found = _maps(quantiser.build(candidate, 0, Path(folder) / "0.tflite"), judged)
            total = sum((distance(*pair) for pair in zip(aims, found, strict=True)), Distance())
            figures = {"class": round(total.excess / total.weight, 4), "box": round(total.shift / total.weight, 4)}
            click.echo(json.dumps({"recipe": candidate.name, **figures}))


def _maps(path: Path, dataset: Dataset) -> list[list[Floats]]:
    """The raw maps of every image."""
    graph = open_graph(path, THREADS)
    return [graph.run(canvas) for canvas in canvases(dataset, graph.image)]


def _sigmoid(logits: Floats) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))


def _cross_entropy(logits: Floats, aim: NDArray[np.float64]) -> float:
    """Binary cross-entropy of sigmoid(logits) under the probabilities `aim`, summed, in nats."""
    return float((np.logaddexp(0, logits.astype(np.float64)) - logits * aim).sum())


def _sides(boxes: Floats) -> NDArray[np.float64]:
    """The expected bin of each side, (1, H, W, 4), of box logits (1, H, W, 4 x BINS)."""
    logits = boxes.reshape(*boxes.shape[:-1], 4, BINS).astype(np.float64)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(weights @ np.arange(BINS) / weights.sum(-1))


if __name__ == "__main__":
    main()
