"""How far a difference of mAP may be chance: the paired bootstrap over images.

Both sets of detections are judged on the same resampled images, so what makes an image hard counts for both and cancels.
Each detection is matched once; a resample only changes how often its image counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.tasks.detect.accuracy import IOU_THRESHOLDS
from harness.tasks.detect.coco import MAX_PER_CLASS
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections
from harness.tasks.detect.matching import Flags, by_score, coco_rule, match
from harness.tasks.interval import LEVEL, RESAMPLES, Interval

_RECALLS = np.linspace(0, 1, 101)
_CHUNK = 50
"""Resamples held in memory at once: 50 x 10 thousand detections are a few megabytes."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _RankedClass:
    """The detections of one class by descending score, and its true boxes.

    `images` (n,) is the image of each detection, `right` (n, 10) its flags, `boxes` (images of the data set,) the number of
    true boxes in each image.
    """

    images: NDArray[np.int64]
    right: Flags
    boxes: NDArray[np.int64]


def bootstrap_difference(
    first: Detections, second: Detections, dataset: Dataset, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Interval:
    """The difference of mAP50-95 under COCO's rules with its percentile interval; the same seed repeats it."""
    count = len(dataset.images)
    random = np.random.default_rng(seed)
    ranked = [_rank(first, dataset), _rank(second, dataset)]
    point = _difference(ranked, np.ones((1, count), np.int64))[0]
    chunks = [random.multinomial(count, np.full(count, 1 / count), size) for size in _sizes(resamples)]
    sample = np.concatenate([_difference(ranked, weights) for weights in chunks])
    low, high = np.nanquantile(sample, [(1 - level) / 2, (1 + level) / 2])
    return Interval(difference=float(point), low=float(low), high=float(high), level=level, resamples=resamples, seed=seed)


def _sizes(resamples: int) -> Iterator[int]:
    """Chunk sizes that add up to `resamples`."""
    for start in range(0, resamples, _CHUNK):
        yield min(_CHUNK, resamples - start)


def _difference(ranked: list[list[_RankedClass]], weights: NDArray[np.int64]) -> Floats:
    """mAP50-95 of the first minus the second set (resamples,) for image weights (resamples, images)."""
    first, second = (_mean_average_precision(classes, weights) for classes in ranked)
    return first - second


def _rank(detections: Detections, dataset: Dataset) -> list[_RankedClass]:
    """The detections class by class, only classes that have true boxes."""
    right = match(detections, dataset, coco_rule)
    order = _within_limit(detections, by_score(detections))
    truth = np.zeros((len(dataset.class_names), len(dataset.images)), np.int64)
    for i, image in enumerate(dataset.images):
        np.add.at(truth[:, i], image.labels.classes, 1)
    ranked = []
    for index in np.flatnonzero(truth.sum(axis=1)):
        of_class = order[detections.classes[order] == index]
        ranked.append(_RankedClass(detections.images[of_class], right[of_class], truth[index]))
    return ranked


def _within_limit(detections: Detections, ranked: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ranked positions without those beyond the best 100 of one class in one image."""
    keys = detections.images[ranked] * (int(detections.classes.max(initial=0)) + 1) + detections.classes[ranked]
    grouped = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[grouped], prepend=-1))
    position = np.arange(len(ranked)) - np.repeat(starts, np.diff(starts, append=len(ranked)))
    return ranked[np.sort(grouped[position < MAX_PER_CLASS])]


def _mean_average_precision(classes: list[_RankedClass], weights: NDArray[np.int64]) -> Floats:
    """mAP50-95 (resamples,); a class without boxes in a resample does not count there."""
    table = np.stack([_average_precision(ranked, weights) for ranked in classes])
    present = np.stack([weights @ ranked.boxes > 0 for ranked in classes])
    mean: Floats = (table * present).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return mean


def _average_precision(ranked: _RankedClass, weights: NDArray[np.int64]) -> Floats:
    """COCO's average precision of one class, mean over the 10 thresholds (resamples,).

    Precision has to be known only at right detections: recall rises nowhere else, and a wrong one never raises it.
    """
    counted = weights[:, ranked.images]
    seen = np.maximum(counted.cumsum(axis=1), 1)
    boxes = np.maximum(weights @ ranked.boxes, 1)[:, None]
    total = np.zeros(len(weights))
    for flags in ranked.right.T:
        positions = np.flatnonzero(flags)
        hits = counted[:, positions].cumsum(axis=1)
        envelope = np.maximum.accumulate((hits / seen[:, positions])[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(_RECALLS, hits / boxes, side="right")
        total += (np.diff(reached, axis=1, prepend=0) * envelope).sum(axis=1)
    return total / (len(_RECALLS) * len(IOU_THRESHOLDS))
