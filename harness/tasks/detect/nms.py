"""Which of the candidates are kept: non-maximum suppression, class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.tasks.detect.decode import Candidates
from harness.tasks.detect.overlap import pairwise_iou

MAX_DETECTIONS = 300
MAX_CANDIDATES = 30000


@dataclass(frozen=True)
class Selection:
    """The rule by which candidates become detections; a figure depends on all of it.

    A box is a candidate under every class that scores more than `confidence`, or with `best_class_only` under one. A candidate
    falls when one of its class with a better score stays and overlaps it by more than `iou`.
    """

    confidence: float
    iou: float
    best_class_only: bool

    def choose(self, candidates: Candidates) -> Candidates:
        """The detections of one image, best score first, at most 300."""
        passed = candidates.above(self.confidence)
        if self.best_class_only:
            passed = passed.best_class()
        return passed.at(suppress(passed, self.iou))

    def rank(self, candidates: Candidates) -> Candidates:
        """The detections of one image of an end-to-end head, best score first: the best 300 boxes, of these the best 300.

        A box may stand under several classes, as in ultralytics' own top-k: its training leaves one box for each object.
        """
        passed = candidates.above(self.confidence)
        ranked = np.argsort(-passed.scores, kind="stable")
        _, first = np.unique(passed.anchors[ranked], return_index=True)
        boxes = passed.anchors[ranked[np.sort(first)[:MAX_DETECTIONS]]]
        return passed.at(ranked[np.isin(passed.anchors[ranked], boxes)][:MAX_DETECTIONS])


def suppress(candidates: Candidates, iou: float, limit: int = MAX_DETECTIONS) -> NDArray[np.int64]:
    """Positions of the candidates that stay, best score first, at most `limit`; of equal scores the first is the better.

    Only the best 30000 candidates are looked at, as in ultralytics.
    """
    ranked = np.argsort(-candidates.scores, kind="stable")[:MAX_CANDIDATES]
    classes = candidates.classes[ranked]
    by_class = np.argsort(classes, kind="stable")
    bounds = np.flatnonzero(np.diff(classes[by_class])) + 1
    kept = [group[_greedy(candidates.boxes[ranked[group]], iou, limit)] for group in np.split(by_class, bounds)]
    return ranked[np.sort(np.concatenate(kept))[:limit]]


def _greedy(boxes: NDArray[np.float32], iou: float, limit: int) -> NDArray[np.int64]:
    """Positions of the boxes of one class that stay, of boxes in descending order of score; at most `limit`."""
    kept: list[int] = []
    remaining = np.arange(len(boxes))
    while len(remaining) and len(kept) < limit:
        best, remaining = remaining[0], remaining[1:]
        kept.append(int(best))
        if len(remaining):
            overlaps = pairwise_iou(boxes[best : best + 1], boxes[remaining])[0]
            remaining = remaining[overlaps <= iou]
    return np.array(kept, np.int64)
