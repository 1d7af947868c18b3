"""Random data sets and detections that look like a detector's: some right, some shifted, some wrong, some twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.tasks.detect.dataset import Dataset, LabelledImage
from harness.tasks.detect.detections import Detections, ImageDetections, join
from harness.tasks.detect.labels import Boxes


def random_dataset(random: np.random.Generator, images: int, classes: int) -> Dataset:
    """Images of 100 x 80 px with 0 to 5 boxes each; the first image has a box of class 0."""
    labelled = []
    for i in range(images):
        count = int(random.integers(1 if i == 0 else 0, 6))
        names = random.integers(0, classes, count)
        names[: i == 0] = 0
        low = random.uniform((0, 0), (60, 50), (count, 2))
        corners = np.concatenate([low, low + random.uniform(5, 30, (count, 2))], 1)
        labelled.append(LabelledImage(Path(f"{i}.png"), 100, 80, Boxes(names, corners), f"{i}"))
    return Dataset("synthetic/test", tuple(f"class {i}" for i in range(classes)), tuple(labelled), images)


def random_detections(random: np.random.Generator, dataset: Dataset, noise_px: float = 3.0) -> Detections:
    """Each true box found up to twice with noise, sometimes under another class, and a few out of the blue."""
    found = []
    for image in dataset.images:
        corners = np.repeat(image.labels.corners, 2, axis=0)
        classes = np.repeat(image.labels.classes, 2)
        corners = corners + random.normal(0, noise_px, corners.shape)
        corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2])  # a detector finds no box inside out
        low = random.uniform(0, 60, (3, 2))
        corners = np.concatenate([corners, np.concatenate([low, low + random.uniform(5, 30, (3, 2))], 1)])
        classes = np.concatenate([classes, random.integers(0, len(dataset.class_names), 3)])
        wrong = random.random(len(classes)) < 0.2
        classes[wrong] = random.integers(0, len(dataset.class_names), wrong.sum())
        kept = random.random(len(classes)) < 0.8
        # two decimals make equal scores frequent
        scores = np.round(random.uniform(0.01, 1, len(classes)), 2)[kept]
        ranked = np.argsort(-scores, kind="stable")
        found.append(ImageDetections(corners[kept][ranked], scores[ranked], classes[kept][ranked]))
    return join(found)
