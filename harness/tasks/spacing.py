"""Which inputs of a data set are taken when not all are."""

from __future__ import annotations


def evenly(total: int, count: int) -> list[int]:
    """At most `count` different positions below `total`, evenly spaced and always the same ones."""
    count = min(count, total)
    return [i * total // count for i in range(count)]
