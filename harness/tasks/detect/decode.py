"""Outputs of a detector -> scored boxes on the canvas.

Scores are compared before anything is decoded: of 8400 anchors a few hundred pass, and only these get a box.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.tasks.detect.layout import PLAIN_BINS, Layout
from harness.tasks.runtimes import Floats

Indices = NDArray[np.int64]

_NORMALISED_LIMIT = 2.0
"""Box centres of a whole grid reach the canvas size in pixels, or about 1 when normalised."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes that passed the threshold, once per class that passed.

    `boxes` float32 (n, 4) are corners x1 y1 x2 y2 in canvas pixels, `scores` float32 (n,) 0..1, `classes` int64 (n,);
    `anchors` int64 (n,) tells which candidates are the same box under several classes.
    """

    boxes: Floats
    scores: Floats
    classes: Indices
    anchors: Indices

    def above(self, threshold: float) -> Candidates:
        """The candidates whose score is greater than `threshold`."""
        return self.at(np.flatnonzero(self.scores > np.float32(threshold)))

    def best_class(self) -> Candidates:
        """Every box once, under the class that scores best; of equal scores the lowest class."""
        ranked = np.lexsort((self.classes, -self.scores, self.anchors))
        return self.at(ranked[np.flatnonzero(np.diff(self.anchors[ranked], prepend=-1))])

    def at(self, positions: Indices) -> Candidates:
        """The candidates at these positions."""
        return Candidates(self.boxes[positions], self.scores[positions], self.classes[positions], self.anchors[positions])


def decode(outputs: Sequence[Floats], layout: Layout, threshold: float) -> Candidates:
    """Every (anchor, class) whose score is greater than `threshold` (0 < threshold < 1), in no promised order.

    `outputs` are dequantised float32 tensors of one image in the order of the model.
    """
    if layout.kind == "raw":
        return _decode_raw(outputs, layout, threshold)
    if layout.kind in ("ranked", "ssd"):
        return _decode_final(outputs, layout, threshold)
    return _decode_decoded(outputs, layout, threshold)


def _decode_raw(outputs: Sequence[Floats], layout: Layout, threshold: float) -> Candidates:
    """Candidates of every pair of maps."""
    logit = np.float32(math.log(threshold / (1 - threshold)))
    scales: list[Candidates] = []
    first = 0
    for scale, (stride, grid) in enumerate(zip(layout.strides, layout.grids, strict=True)):
        boxes, classes = (outputs[i] for i in layout.order[2 * scale : 2 * scale + 2])
        scores = _rows(classes, layout.class_count, layout.channels_last)
        anchors, indices = _passed(scores, logit, layout.channels_last)
        used, where = np.unique(anchors, return_inverse=True)
        logits = _pick(_rows(boxes, 4 * layout.bins, layout.channels_last), used, layout.channels_last)
        corners = _corners(logits, used, grid[1], stride)
        passed = scores[anchors, indices] if layout.channels_last else scores[indices, anchors]
        scales.append(Candidates(corners[where], _sigmoid(passed), indices, anchors + first))
        first += grid[0] * grid[1]
    return Candidates(
        np.concatenate([scale.boxes for scale in scales]),
        np.concatenate([scale.scores for scale in scales]),
        np.concatenate([scale.classes for scale in scales]),
        np.concatenate([scale.anchors for scale in scales]),
    ).above(threshold)


def _decode_decoded(outputs: Sequence[Floats], layout: Layout, threshold: float) -> Candidates:
    """Candidates of boxes cx cy w h and scores that the model has decoded itself."""
    parts = [output[0] if layout.channels_last else output[0].T for output in (outputs[i] for i in layout.order)]
    boxes, scores = (parts[0], parts[1]) if layout.kind == "split" else (parts[0][:, :4], parts[0][:, 4:])
    anchors, classes = np.nonzero(scores > np.float32(threshold))
    unit = layout.box_unit
    if unit == "auto":
        unit = "normalised" if boxes[:, :2].max() <= _NORMALISED_LIMIT else "pixels"
    height, width = layout.sides if unit == "normalised" else (1, 1)
    picked = boxes[anchors] * np.array([width, height, width, height], np.float32)
    centres, halves = picked[:, :2], picked[:, 2:] / 2
    return Candidates(np.concatenate([centres - halves, centres + halves], 1), scores[anchors, classes], classes, anchors)


def _decode_final(outputs: Sequence[Floats], layout: Layout, threshold: float) -> Candidates:
    """Candidates of detections that the model has ranked itself; padding scores 0 and falls."""
    height, width = layout.sides
    if layout.kind == "ssd":
        boxes, classes, scores = outputs[0][0], outputs[1][0], outputs[2][0]
        count = int(outputs[3].reshape(-1)[0])
        corners = boxes[:count][:, [1, 0, 3, 2]] * np.array([width, height, width, height], np.float32)
        scores, classes = scores[:count], classes[:count]
    else:
        corners, scores, classes = outputs[0][0][:, :4], outputs[0][0][:, 4], outputs[0][0][:, 5]
        unit = layout.box_unit
        if unit == "normalised" or (unit == "auto" and corners.max(initial=0) <= _NORMALISED_LIMIT):
            corners = corners * np.array([width, height, width, height], np.float32)
    numbers = np.rint(classes).astype(np.int64)
    kept = np.flatnonzero((scores > np.float32(threshold)) & (numbers >= 0) & (numbers < layout.class_count))
    return Candidates(corners[kept].astype(np.float32), scores[kept], numbers[kept], kept)


def _rows(output: Floats, channels: int, channels_last: bool) -> Floats:
    """One map without its spatial axes: (cells, channels), or (channels, cells) as it lies in memory."""
    return output.reshape(-1, channels) if channels_last else output.reshape(channels, -1)


def _passed(scores: Floats, logit: np.float32, channels_last: bool) -> tuple[Indices, Indices]:
    """Cells and classes at or above the logit; the exact comparison of scores comes after the sigmoid."""
    # flatnonzero of the flat array is several times faster than nonzero of two axes
    flat = np.flatnonzero(scores.ravel() > logit - np.float32(1e-3))
    if channels_last:
        return flat // scores.shape[1], flat % scores.shape[1]
    return flat % scores.shape[1], flat // scores.shape[1]


def _pick(rows: Floats, cells: Indices, channels_last: bool) -> Floats:
    """The channels of these cells, (n, channels)."""
    return rows[cells] if channels_last else rows[:, cells].T


def _corners(logits: Floats, cells: Indices, columns: int, stride: int) -> Floats:
    """Corners in canvas pixels of the boxes of these cells of a grid with `columns` columns, (n, 4).

    Each side's distance from the cell's centre is the expectation of its bins under softmax, in strides; a head without a
    distribution gives the distance itself.
    """
    bins = logits.reshape(len(logits), 4, logits.shape[1] // 4)
    if bins.shape[2] == PLAIN_BINS:
        distances = bins[..., 0]
    else:
        weights = np.exp(bins - bins.max(axis=2, keepdims=True))
        distances = (weights @ np.arange(bins.shape[2], dtype=np.float32)) / weights.sum(axis=2)
    centres = np.stack([cells % columns, cells // columns], 1).astype(np.float32) + np.float32(0.5)
    corners: Floats = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], 1) * np.float32(stride)
    return corners


def _sigmoid(logits: Floats) -> Floats:
    """1 / (1 + e^-x) without overflow."""
    scores: Floats = 1 / (1 + np.exp(-np.maximum(logits, np.float32(-80))))
    return scores
