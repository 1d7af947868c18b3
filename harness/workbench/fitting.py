"""The largest image size at which a model fits a platform."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from core.records.misfit import Misfit

STEP = 32
"""The largest stride of a YOLO head, whose sizes are its multiples."""

Misfits = Sequence[Misfit]


def largest_fitting(limit: int, misfits_at: Callable[[int], Misfits], step: int = STEP) -> int:
    """The largest multiple of `step` up to `limit` at which nothing is too small, 0 when there is none.

    Feature maps grow with the square of the size, so the first guess is nearly always right; it is then stepped up until the
    next size does not fit, or down until one does: the answer and its neighbour have both been compiled.
    """
    size = limit - limit % step
    found = misfits_at(size) if size else ()
    if not found:
        return size
    size = _guess(size, found, step)
    if misfits_at(size):
        return next((smaller for smaller in range(size - step, 0, -step) if not misfits_at(smaller)), 0)
    while size + step < limit and not misfits_at(size + step):
        size += step
    return size


def largest_confirmed(
    limit: int, roughly: Callable[[int], Misfits], exactly: Callable[[int], Misfits], step: int = STEP
) -> int:
    """The largest size that `exactly` confirms, at or below what the cheaper `roughly` found."""
    found = largest_fitting(limit, roughly, step)
    return next((size for size in range(found, 0, -step) if not exactly(size)), 0)


def _guess(size: int, misfits: Misfits, step: int) -> int:
    """The size at which the worst misfit would just fit, if its need grew with the square of the size."""
    share = min(misfit.has / misfit.needs for misfit in misfits)
    return max(step, int(size * math.sqrt(share)) // step * step)
