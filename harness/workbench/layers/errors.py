"""How far two values of one tensor lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Departure:
    """Largest and mean absolute difference in the tensor's real unit, and 1 - cosine of the two as vectors, 0..2."""

    maximum: float
    mean: float
    cosine: float


def departure(reference: Array, other: Array) -> Departure:
    """How far `other` lies from `reference`, both real-valued and of one size; two zero vectors do not differ."""
    first, second = (np.asarray(values, np.float64).reshape(-1) for values in (reference, other))
    if not first.size:
        return Departure(0.0, 0.0, 0.0)
    difference = np.abs(first - second)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    same = 1.0 if not difference.any() else float(first @ second) / lengths if lengths else 0.0
    return Departure(float(difference.max()), float(difference.mean()), max(0.0, 1.0 - same))


def differing(first: Array, second: Array) -> int:
    """How many elements are not equal."""
    return int(np.count_nonzero(first.reshape(-1) != second.reshape(-1)))
