"""The arithmetic of classification: top-k, confusion, area under the curve, each also under weights of a bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.tasks.interval import LEVEL, RESAMPLES, Interval

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]
Labels = NDArray[np.int64]
Statistic = Callable[[NDArray[np.int64]], Floats]
"""Weights of the inputs (resamples, n) -> the figure under each row of them (resamples,)."""
CHUNK = 100
"""Resamples held in memory at once."""


def ranks(scores: Scores, labels: Labels) -> Labels:
    """How many classes stand before the true one (n,); of equal scores the lower class stands first."""
    own = np.take_along_axis(scores, labels[:, None], 1)
    lower = np.arange(scores.shape[1]) < labels[:, None]
    before: Labels = ((scores > own) | ((scores == own) & lower)).sum(axis=1)
    return before


def confusion(scores: Scores, labels: Labels) -> Labels:
    """How often each class (row) was taken for each class (column)."""
    classes = scores.shape[1]
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, scores.argmax(axis=1)), 1)
    return table


def share_within(scores: Scores, labels: Labels, most: int) -> Statistic:
    """Top-`most` accuracy."""
    right = ranks(scores, labels) < most

    def share(weights: NDArray[np.int64]) -> Floats:
        within: Floats = (weights @ right) / weights.sum(axis=1)
        return within

    return share


def area_under_curve(scores: Floats, positive: NDArray[np.bool_]) -> Statistic:
    """The chance that a positive scores above a negative, ties half (NaN where a resample lacks one kind)."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    flags = positive[order]

    def area(weights: NDArray[np.int64]) -> Floats:
        sorted_weights = weights[:, order].astype(np.float64)
        positives = np.add.reduceat(sorted_weights * flags, starts, axis=1)
        negatives = np.add.reduceat(sorted_weights * ~flags, starts, axis=1)
        below = negatives.cumsum(axis=1) - negatives
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        wins = (positives * (below + negatives / 2)).sum(axis=1)
        found: Floats = np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return found

    return area


def plain(statistic: Statistic, count: int) -> float:
    """The figure itself."""
    return float(statistic(np.ones((1, count), np.int64))[0])


def bootstrap(statistic: Statistic, count: int, seed: int = 0) -> Interval:
    """The figure (as `difference` from nothing) with its percentile interval over the inputs; the same seed repeats it."""
    random = np.random.default_rng(seed)
    sizes = [min(CHUNK, RESAMPLES - start) for start in range(0, RESAMPLES, CHUNK)]
    found = [statistic(random.multinomial(count, np.full(count, 1 / count), size)) for size in sizes]
    sample = np.concatenate(found)
    point = plain(statistic, count)
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.nanquantile(sample, ends) if np.isfinite(sample).any() else (point, point)
    return Interval(difference=point, low=float(low), high=float(high), level=LEVEL, resamples=RESAMPLES, seed=seed)


def paired(first: Statistic, second: Statistic, count: int, seed: int = 0) -> Interval:
    """The first minus the second on the same resampled inputs, so that what makes an input hard counts for both."""
    return bootstrap(lambda weights: first(weights) - second(weights), count, seed)
