"""The largest image size at which a model fits a platform."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from core.records.memory_shortfall import MemoryShortfall

STEP = 32
"""The largest stride of a YOLO head, whose sizes are its multiples."""

Shortfalls = Sequence[MemoryShortfall]


def largest_fitting(limit: int, shortfalls_at: Callable[[int], Shortfalls], step: int = STEP) -> int:
    """The largest multiple of `step` up to `limit` at which nothing is too small, 0 when there is none.

    Feature maps grow with the square of the size, so the first guess is nearly always right; it is then stepped up until the
    next size does not fit, or down until one does: the answer and its neighbour have both been compiled.
    """
    size = limit - limit % step
    found = shortfalls_at(size) if size else ()
    if not found:
        return size
    size = _guess(size, found, step)
    if shortfalls_at(size):
        return next((smaller for smaller in range(size - step, 0, -step) if not shortfalls_at(smaller)), 0)
    while size + step < limit and not shortfalls_at(size + step):
        size += step
    return size


def largest_confirmed(
    limit: int, roughly: Callable[[int], Shortfalls], exactly: Callable[[int], Shortfalls], step: int = STEP
) -> int:
    """The largest size that `exactly` confirms, at or below what the cheaper `roughly` found."""
    found = largest_fitting(limit, roughly, step)
    return next((size for size in range(found, 0, -step) if not exactly(size)), 0)


def _guess(size: int, shortfalls: Shortfalls, step: int) -> int:
    """The size at which the worst shortfall would just fit, if its need grew with the square of the size."""
    share = min(shortfall.has / shortfall.needs for shortfall in shortfalls)
    return max(step, int(size * math.sqrt(share)) // step * step)
