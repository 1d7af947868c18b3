"""Accuracy as ultralytics 8.3 computed it: the metric of the published figures (confidence .25, NMS overlap .45).

Three definitions of "mAP" give three figures for the same predictions. They differ in:

    rule                       this (8.3)                         8.4                               COCO
    precision between points   linear interpolation               linear, but 0 after the last      step: the best precision at
                               of the envelope down to            recall that was reached           this recall or more
                               precision 0 at recall 1
    area                       trapezoids over 101 recalls        the same                          mean of 101 recalls
    matching                   a detection asks for its best      best box that is still free       best box that is still free
                               box only                           at each threshold                 at each threshold
    detections per image       300 of all classes                 300 of all classes                100 of each class

The first row weighs most at confidence .25: detections end at a recall well below 1, and 8.3 credits a straight line
from the last point to (1, 0) that nobody measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.tasks.detect.accuracy import IOU_THRESHOLDS, Accuracy, summarise
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections
from harness.tasks.detect.matching import Flags, box_counts, by_score, match, ultralytics_rule

RULES = "ultralytics 8.3"
CONFIDENCE = 0.25
IOU = 0.45

_RECALLS = np.linspace(0, 1, 101)


def ultralytics_accuracy(detections: Detections, dataset: Dataset) -> Accuracy:
    """mAP50 and mAP50-95 of detections made at confidence .25 and NMS overlap .45."""
    counts = box_counts(dataset)
    right = match(detections, dataset, ultralytics_rule)
    ranked = by_score(detections)
    ap = np.zeros((len(counts), len(IOU_THRESHOLDS)))
    for index, count in enumerate(counts):
        of_class = ranked[detections.classes[ranked] == index]
        if count and len(of_class):
            ap[index] = _average_precisions(right[of_class], count)
    return summarise(RULES, dataset.class_names, counts, ap)


def _average_precisions(right: Flags, box_count: int) -> NDArray[np.float64]:
    """Average precision (10,) of one class from its detections' flags (n, 10) by descending score."""
    hits = right.cumsum(axis=0)
    recall = hits / box_count
    precision = hits / np.arange(1, len(right) + 1)[:, None]
    return np.array([_area(recall[:, i], precision[:, i]) for i in range(right.shape[1])])


def _area(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Area 0..1 under the envelope of the curve, continued from (0, 1) and to (1, 0)."""
    recalls = np.concatenate(([0.0], recall, [1.0]))
    precisions = np.concatenate(([1.0], precision, [0.0]))
    envelope = np.maximum.accumulate(precisions[::-1])[::-1]
    heights = np.interp(_RECALLS, recalls, envelope)
    return float(((heights[1:] + heights[:-1]) / 2 * np.diff(_RECALLS)).sum())
