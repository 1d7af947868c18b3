"""Where a series of figures changed its level, with a known rate of false alarms.

Circular binary segmentation (Olshen et al., Biostatistics 5, 2004) on ranks: of all stretches, the one whose mean rank differs
most from the rest, standardised, held against the same of shuffled series; a stretch that one shuffle in a hundred reaches is
none. A stretch up to the end is a single step, one in the middle a level that came and went. Then every piece is searched
alike. Ranks, so that one wild run is no change. Our own, because no kept library of change points has a stated rate of false
alarms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FALSE_ALARMS = 0.01
SHUFFLES = 1999
ROUNDING = 1e-9
HELD = 2_000_000
"""Numbers held in memory at once."""
FEWEST_BEFORE = 4
"""Runs on either side of a cut: fewer cannot reach a rate of one in a hundred."""

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]


def change_points(series: Sequence[float], seed: int = 0) -> list[int]:
    """Positions at which a new level begins, ascending; none in a series of fewer than eight."""
    values = np.asarray(series, np.float64)
    return _placed(values, sorted(set(_search(values, 0, np.random.default_rng(seed)))))


def _placed(series: Floats, cuts: list[int]) -> list[int]:
    """Each cut where the levels around it (medians up to the neighbouring cuts) leave the least absolute deviation.

    Ranks say that there is a change, and only roughly where.
    """
    for index, cut in enumerate(cuts):
        start = cuts[index - 1] if index else 0
        end = cuts[index + 1] if index + 1 < len(cuts) else len(series)
        before, after = np.median(series[start:cut]), np.median(series[cut:end])
        left, right = np.abs(series[start:end] - before), np.abs(series[start:end] - after)
        cost = np.concatenate([[0], np.cumsum(left - right)])  # of a cut at each position, up to a constant
        allowed = slice(FEWEST_BEFORE, end - start - FEWEST_BEFORE + 1)
        if len(cost[allowed]):
            cuts[index] = start + FEWEST_BEFORE + int(np.argmin(cost[allowed]))
    return cuts


def _search(series: Floats, offset: int, random: np.random.Generator) -> list[int]:
    count = len(series)
    if count < 2 * FEWEST_BEFORE or np.all(series == series[0]):
        return []
    ranks = rankdata(series) - (count + 1) / 2
    stretches = _stretches(count)
    statistics = _differences(ranks[None], *stretches)[0]
    best = int(np.argmax(statistics))
    reached = 1
    for size in _chunks(len(statistics)):
        shuffled = random.permuted(np.tile(ranks, (size, 1)), axis=1)
        reached += int(np.sum(_differences(shuffled, *stretches).max(axis=1) >= statistics[best] - ROUNDING))
        if reached > FALSE_ALARMS * (SHUFFLES + 1):
            return []
    cuts = _placed(series, [int(edge[best]) for edge in stretches if 0 < edge[best] < count])
    edges = [0, *cuts, count]
    inside = [found for start, end in pairwise(edges) for found in _search(series[start:end], offset + start, random)]
    return [*(offset + cut for cut in cuts), *inside]


def _stretches(count: int) -> tuple[Positions, Positions]:
    """(starts, ends) of every stretch whose length, and that of what is before and after it, is 0 or FEWEST_BEFORE or more."""
    starts, ends = np.triu_indices(count + 1, FEWEST_BEFORE)
    before, after = starts, count - ends
    kept = ((before == 0) | (before >= FEWEST_BEFORE)) & ((after == 0) | (after >= FEWEST_BEFORE)) & (before + after > 0)
    return starts[kept], ends[kept]


def _differences(ranks: Floats, starts: Positions, ends: Positions) -> Floats:
    """The standardised difference of every stretch from the rest (series, stretches) of centred ranks (series, n)."""
    count = ranks.shape[1]
    sums = np.concatenate([np.zeros((len(ranks), 1)), np.cumsum(ranks, axis=1)], axis=1)
    length = ends - starts
    result: Floats = np.abs(sums[:, ends] - sums[:, starts]) / np.sqrt(length * (count - length) / count)
    return result


def _chunks(stretches: int) -> Iterator[int]:
    """Numbers of shuffles that add up to SHUFFLES and need little memory each."""
    size = max(1, min(SHUFFLES, HELD // stretches))
    for start in range(0, SHUFFLES, size):
        yield min(size, SHUFFLES - start)
