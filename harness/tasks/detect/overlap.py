"""Overlap of boxes."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)


def pairwise_iou(first: NDArray[Real], second: NDArray[Real]) -> NDArray[Real]:
    """Intersection over union 0..1 of corners (n, 4) and (m, 4), shape (n, m); 0 where both boxes are empty."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = np.prod(np.clip(high - low, 0, None), axis=2)
    union = _area(first)[:, None] + _area(second)[None] - intersection
    overlap: NDArray[Real] = intersection / np.maximum(union, np.finfo(union.dtype).tiny)
    return overlap


def _area(corners: NDArray[Real]) -> NDArray[Real]:
    """Areas (n,) of corners (n, 4)."""
    area: NDArray[Real] = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    return area
