"""Which detections are right at which overlap, by COCO's rule and by ultralytics 8.3's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.tasks.detect.accuracy import IOU_THRESHOLDS
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections
from harness.tasks.detect.overlap import pairwise_iou

Flags = NDArray[np.bool_]
Rule = Callable[[NDArray[np.float64]], Flags]
"""Overlaps (detections by descending score, true boxes) of one class in one image -> right or not (detections, 10)."""


def box_counts(dataset: Dataset) -> list[int]:
    """Number of true boxes of each class."""
    classes = np.concatenate([image.labels.classes for image in dataset.images])
    return [int(count) for count in np.bincount(classes, minlength=len(dataset.class_names))]


def by_score(detections: Detections) -> NDArray[np.int64]:
    """Positions of the detections, best score first; of equal scores the earlier image and the earlier row comes first."""
    return np.lexsort((np.arange(len(detections)), detections.images, -detections.scores))


def match(detections: Detections, dataset: Dataset, rule: Rule) -> Flags:
    """Right or not, bool (detections, 10 overlap thresholds), in the order of `detections`."""
    right = np.zeros((len(detections), len(IOU_THRESHOLDS)), bool)
    ranked = by_score(detections)
    keys = detections.images[ranked] * len(dataset.class_names) + detections.classes[ranked]
    grouped = np.argsort(keys, kind="stable")
    for group in np.split(ranked[grouped], np.flatnonzero(np.diff(keys[grouped])) + 1):
        if not len(group):
            continue
        labels = dataset.images[detections.images[group[0]]].labels
        truth = labels.corners[labels.classes == detections.classes[group[0]]]
        if len(truth):
            right[group] = rule(pairwise_iou(detections.boxes[group], truth))
    return right


def coco_rule(overlaps: NDArray[np.float64]) -> Flags:
    """Each detection in turn takes the true box it overlaps most among those not yet taken, at each threshold anew."""
    detections, boxes = overlaps.shape
    right = np.zeros((detections, len(IOU_THRESHOLDS)), bool)
    free = np.ones((len(IOU_THRESHOLDS), boxes), bool)
    for i in np.flatnonzero(overlaps.max(axis=1) >= IOU_THRESHOLDS[0]):
        offered = np.where(free, overlaps[i], -1.0)
        # of equal overlaps COCO takes the last
        best = boxes - 1 - offered[:, ::-1].argmax(axis=1)
        right[i] = offered[np.arange(len(offered)), best] >= IOU_THRESHOLDS
        free[right[i], best[right[i]]] = False
    return right


def ultralytics_rule(overlaps: NDArray[np.float64]) -> Flags:
    """Each detection asks only for the true box it overlaps most; the detection with the best score gets it.

    A detection whose box is taken is wrong even where it overlaps another free one: there is no second choice.
    """
    favourite = overlaps.argmax(axis=1)
    passes = overlaps.max(axis=1)[:, None] >= IOU_THRESHOLDS
    right: Flags = np.zeros_like(passes)
    for box in np.unique(favourite):
        asking = passes & (favourite == box)[:, None]
        right |= asking & (asking.cumsum(axis=0) == 1)
    return right
