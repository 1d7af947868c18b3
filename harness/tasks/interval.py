"""How far a figure, or a difference of two, may be chance."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The first accuracy minus the second (or minus nothing), 0..1, and what holds `level` of the resampled ones."""

    difference: float
    low: float
    high: float
    level: float
    resamples: int
    seed: int
