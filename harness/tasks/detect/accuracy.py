"""What a metric says of a set of detections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.records.unavailable import Unavailable

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""The overlaps from which a detection counts as right: .50, .55, ... .95."""


@dataclass(frozen=True)
class ClassAccuracy:
    """Average precision of one class, 0..1, and the number of true boxes it rests on."""

    name: str
    box_count: int
    ap50: float | Unavailable
    ap50_95: float | Unavailable


@dataclass(frozen=True)
class Accuracy:
    """Mean average precision 0..1 over the classes that have boxes, and the classes; `rules` names the metric."""

    rules: str
    map50: float
    map50_95: float
    per_class: tuple[ClassAccuracy, ...]


def summarise(rules: str, class_names: Sequence[str], box_counts: Sequence[int], ap: NDArray[np.float64]) -> Accuracy:
    """The accuracy of a table of average precisions (classes, 10 thresholds); rows of classes without boxes are ignored."""
    present = np.array(box_counts) > 0
    absent = Unavailable("the data set has no box of this class")
    per_class = tuple(
        ClassAccuracy(name, count, float(row[0]), float(row.mean())) if count else ClassAccuracy(name, 0, absent, absent)
        for name, count, row in zip(class_names, box_counts, ap, strict=True)
    )
    return Accuracy(rules, float(ap[present, 0].mean()), float(ap[present].mean()), per_class)
