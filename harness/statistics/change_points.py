"""Where a series of figures changed its level, with a known rate of false alarms.

The largest standardised difference of mean ranks before and after any cut is held against the same of shuffled series; a cut
that one shuffle in a hundred reaches is none. Then both sides are searched alike. Ranks, so that one wild run is no change.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FALSE_ALARMS = 0.01
SHUFFLES = 1999
FEWEST_BEFORE = 4
"""Runs on either side of a cut: fewer cannot reach a rate of one in a hundred."""

Floats = NDArray[np.float64]


def change_points(series: Sequence[float], seed: int = 0) -> list[int]:
    """Positions at which a new level begins, ascending; none in a series of fewer than eight."""
    return sorted(_search(np.asarray(series, np.float64), 0, np.random.default_rng(seed)))


def _search(series: Floats, offset: int, random: np.random.Generator) -> list[int]:
    count = len(series)
    if count < 2 * FEWEST_BEFORE or np.all(series == series[0]):
        return []
    ranks: Floats = rankdata(series) - (count + 1) / 2
    statistics = _cuts(ranks[None])[0]
    shuffled = _cuts(random.permuted(np.tile(ranks, (SHUFFLES, 1)), axis=1)).max(axis=1)
    reached = (1 + np.sum(shuffled >= statistics.max() - 1e-12)) / (SHUFFLES + 1)
    if reached > FALSE_ALARMS:
        return []
    cut = int(np.argmax(statistics)) + FEWEST_BEFORE
    return [*_search(series[:cut], offset, random), offset + cut, *_search(series[cut:], offset + cut, random)]


def _cuts(ranks: Floats) -> Floats:
    """The standardised difference of levels at every allowed cut (series, cuts) of centred ranks (series, n)."""
    count = ranks.shape[1]
    before = np.arange(FEWEST_BEFORE, count - FEWEST_BEFORE + 1)
    sums = np.cumsum(ranks, axis=1)[:, before - 1]
    result: Floats = np.abs(sums) / np.sqrt(before * (count - before) / count)
    return result
