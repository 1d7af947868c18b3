"""Accuracy under COCO's rules, by faster-coco-eval."""

from __future__ import annotations

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from harness.tasks.detect.accuracy import Accuracy, summarise
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections, ground_truth, to_coco
from harness.tasks.detect.matching import box_counts

RULES = "COCO"
MAX_PER_CLASS = 100
"""COCO's own limit of detections of one class in one image."""


def coco_accuracy(detections: Detections, dataset: Dataset) -> Accuracy:
    """mAP50 and mAP50-95; COCO wants detections down to confidence .001."""
    counts = box_counts(dataset)
    if not len(detections):
        return summarise(RULES, dataset.class_names, counts, np.zeros((len(counts), 10)))
    truth = COCO(ground_truth(dataset))
    evaluation = COCOeval_faster(truth, truth.loadRes(to_coco(detections)), "bbox", print_function=lambda *_: None)
    evaluation.params.maxDets = [1, 10, MAX_PER_CLASS]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0.0, 1e10]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    # axes: threshold, 101 recall points, class, area range, detection limit
    precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, -1]
    return summarise(RULES, dataset.class_names, counts, precision.mean(axis=1).T)
