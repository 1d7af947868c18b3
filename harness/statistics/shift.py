"""Whether one thing is slower than another, from samples taken in interleaved rounds.

Per round, the logarithm of the ratio of medians; over the rounds, the Hodges-Lehmann shift (median of all pairwise means) and
its exact interval from Wilcoxon's signed-rank distribution. That interval asks nothing of the noise but that a round is as
likely to err in one direction as in the other, which taking turns provides: heavy tails, drift and other load on the machine
widen it and do not break it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

LEVEL = 0.99
"""Confidence of intervals: two things that are equal get a wrong `faster` or `slower` at most once in a hundred times."""
POWER = 0.95
"""Chance with which the detectable effect is seen."""
BOUND = 0.01
"""Relative difference of latencies that nobody acts on."""
FEWEST_RUNS = 6
"""Earlier runs of the same thing that tell how far runs differ on their own."""

ShiftVerdict = Literal["faster", "slower", "equivalent", "undecided"]


@dataclass(frozen=True)
class Shift:
    """How much slower the second is than the first: ratios minus 1, so 0.03 is 3 % slower.

    `low` and `high` bound it with confidence LEVEL, `detectable` is the smallest shift that this sample would have shown
    with probability POWER. Without an interval they are infinite and `why` says what is missing.
    """

    shift: float
    low: float
    high: float
    detectable: float
    bound: float
    why: str = ""

    @property
    def verdict(self) -> ShiftVerdict:
        """Equivalent inside the bound; faster or slower when the interval leaves out 0 and the shift leaves the bound."""
        if -self.bound <= self.low and self.high <= self.bound:
            return "equivalent"
        if self.low > 0 and self.shift >= self.bound:
            return "slower"
        if self.high < 0 and self.shift <= -self.bound:
            return "faster"
        return "undecided"


def rounds_shift(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], bound: float = BOUND) -> Shift:
    """The shift between samples by round (rounds, samples each), all positive; ValueError when rounds do not pair up."""
    if len(first) != len(second) or not len(first):
        raise ValueError(f"{len(first)} rounds against {len(second)}: they have to pair up")
    logs = [np.array([math.log(float(np.median(samples))) for samples in side]) for side in (first, second)]
    differences = logs[1] - logs[0]
    walsh = _walsh(differences)
    shift = float(np.median(walsh))
    position = critical_position(len(differences))
    if position == 0:
        return unknown(math.expm1(shift), bound, f"{len(differences)} rounds are too few for an interval of {LEVEL:.0%}")
    return _shift(shift, float(walsh[position - 1]), float(walsh[-position]), bound)


def runs_shift(first: float, second: float, earlier: Sequence[float], bound: float = BOUND) -> Shift:
    """The shift between the medians of two whole runs, which drift between runs blurs.

    `earlier` are medians of runs of one and the same thing: their spread says how far two runs differ on their own, by
    Student's t for the difference of two. Fewer than FEWEST_RUNS leave the shift undecided.
    """
    shift = math.log(second / first)
    if len(earlier) < FEWEST_RUNS:
        why = (
            f"not taken in turns, and the history has {len(earlier)} of the {FEWEST_RUNS} runs of the same thing "
            "that would tell how far runs differ on their own (`ethos-bench ab` measures in turns)"
        )
        return unknown(math.expm1(shift), bound, why)
    spread = float(np.std(np.log(earlier), ddof=1)) * math.sqrt(2)
    half = float(stdtrit(len(earlier) - 1, (1 + LEVEL) / 2)) * spread
    return _shift(shift, shift - half, shift + half, bound)


def unknown(shift: float, bound: float, why: str) -> Shift:
    """A shift without an interval."""
    return Shift(shift=shift, low=-math.inf, high=math.inf, detectable=math.inf, bound=bound, why=why)


def critical_position(rounds: int) -> int:
    """Which Walsh average from either end bounds the interval, 1 the outermost; 0 when no interval of LEVEL exists."""
    return int(np.searchsorted(signed_rank_distribution(rounds), (1 - LEVEL) / 2, side="right"))


def signed_rank_distribution(rounds: int) -> NDArray[np.float64]:
    """The chance that Wilcoxon's signed-rank sum is w or less, for w from 0 to its largest."""
    ways = np.zeros(rounds * (rounds + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, rounds + 1):
        ways[rank:] += ways[:-rank].copy()
    chances: NDArray[np.float64] = np.cumsum(ways) / 2.0**rounds
    return chances


def _walsh(differences: ArrayLike) -> NDArray[np.float64]:
    """The mean of every pair, each with itself too, in ascending order."""
    values = np.asarray(differences, np.float64)
    rows, columns = np.triu_indices(len(values))
    return np.sort((values[rows] + values[columns]) / 2)


def _shift(shift: float, low: float, high: float, bound: float) -> Shift:
    half = (high - low) / 2
    seen = half * (1 + NormalDist().inv_cdf(POWER) / NormalDist().inv_cdf((1 + LEVEL) / 2))
    return Shift(shift=math.expm1(shift), low=math.expm1(low), high=math.expm1(high), detectable=math.expm1(seen), bound=bound)
