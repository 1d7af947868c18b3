"""How far a difference may be chance."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """The first accuracy minus the second, 0..1, and the interval that holds `level` of the resampled differences."""

    difference: float
    low: float
    high: float
    level: float
    resamples: int
    seed: int
