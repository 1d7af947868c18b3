"""One figure over all runs: where it changed, and what changed there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from core.metrics import metric_of
from core.records.field_types import Unit
from core.records.figure_key import FigureKey
from core.records.measurement import Value
from harness.history.changes import causes, changes, forbids
from harness.history.store import Point
from harness.statistics.change_points import change_points

SHORTEST = 0.01
"""Percent; smaller changes are shown by their first digit."""


@dataclass(frozen=True)
class Jump:
    """How a figure changed: in words, and for numbers by how much, which is comparable within one metric."""

    text: str
    size: float | None = None


@dataclass(frozen=True)
class Step:
    """One run in a trend: how the figure itself changed there (None when it did not), and what else did since the run before.

    `apart` says why it is not compared with the run before, "" when it is.
    """

    point: Point
    jump: Jump | None = None
    causes: tuple[str, ...] = ()
    apart: str = ""

    @property
    def text(self) -> str:
        """Everything in one line."""
        own = ["not compared with the run before"] if self.apart else [self.jump.text] if self.jump else []
        return "; ".join([*own, *self.causes])


@dataclass(frozen=True)
class Trend:
    """One figure of one case over the runs that have it; `searched` unless there was no time to look for change points."""

    key: FigureKey
    steps: tuple[Step, ...]
    searched: bool = True

    @property
    def name(self) -> str:
        """The figure in words."""
        case = self.key.case
        return f"{self.key} of {case.model}, {case.profile} on {case.target}"


def trends(points: Sequence[Point], search_s: float = math.inf) -> list[Trend]:
    """A trend per case, metric, stat and graph; the search for change points ends after `search_s`."""
    series: dict[FigureKey, list[Point]] = {}
    for point in points:
        series.setdefault(point.figure.key, []).append(point)
    search = _Search(time.monotonic() + search_s)
    return [_trend(key, of_case, search) for key, of_case in series.items()]


@dataclass
class _Search:
    """Looks for change points until `end` of the monotonic clock; series of equal values are searched once."""

    end: float
    known: dict[tuple[float, ...], list[int]] = field(default_factory=dict)
    missed: bool = False

    def cuts(self, values: Sequence[float]) -> list[int]:
        key = tuple(values)
        if key not in self.known:
            if time.monotonic() >= self.end:
                self.missed = True
                return []
            self.known[key] = change_points(values)
        return self.known[key]


def _trend(key: FigureKey, points: Sequence[Point], search: _Search) -> Trend:
    search.missed = False
    between = [changes(before.figure, after.figure) for before, after in pairwise(points)]
    apart = list(_apart(key.metric, points))
    starts = [0, *(index for index, why in enumerate(apart, 1) if why), len(points)]
    jumps = {
        start + index: jump
        for start, end in pairwise(starts)
        for index, jump in _jumps(points[start:end], search).items()
    }  # fmt: skip
    steps = [Step(points[0])]
    for index, found in enumerate(between, 1):
        steps.append(Step(points[index], jumps.get(index), tuple(map(str, causes(found))), apart[index - 1]))
    return Trend(key, tuple(steps), not search.missed)


def _apart(metric: str, points: Sequence[Point]) -> Iterator[str]:
    """For each point but the first why its value is not compared with the last one before it, "" when it is or has none."""
    last = points[0].figure
    for point in points[1:]:
        comparable = last.unavailable is None and point.figure.unavailable is None
        yield forbids(metric, changes(last, point.figure)) if comparable else ""
        last = point.figure if point.figure.unavailable is None else last


def _jumps(points: Sequence[Point], search: _Search) -> dict[int, Jump]:
    """Position -> how the figure changed there; sampled figures by change points, all others when they differ at all."""
    with_value = [index for index, point in enumerate(points) if point.figure.unavailable is None]
    if not with_value:
        return {}
    first = points[0].figure
    if metric_of(first.metric).repeats(first.evidence):
        values = [points[index].figure.value for index in with_value]
        return {
            with_value[i]: _jump(values[i - 1], values[i], first.unit)
            for i in range(1, len(values))
            if values[i] != values[i - 1]
        }
    numbers = [float(number) for index in with_value if (number := points[index].figure.number) is not None]
    cuts = [0, *search.cuts(numbers), len(numbers)]
    levels = [median(numbers[start:end]) for start, end in pairwise(cuts)]
    return {with_value[cut]: _jump(levels[i], levels[i + 1], first.unit) for i, cut in enumerate(cuts[1:-1])}


def _jump(before: Value, after: Value, unit: Unit) -> Jump:
    """Shares and mAP differ by points, other numbers by percent."""
    if isinstance(before, bool) or not isinstance(before, int | float) or not isinstance(after, int | float):
        return Jump(f"{before} -> {after}")
    if unit == "ratio" and max(abs(before), abs(after)) <= 1:
        return Jump(f"{100 * (after - before):+.2f} points", after - before)
    if not before:
        return Jump(f"{before} -> {after}")
    percent = 100 * (after / before - 1)
    return Jump(f"{percent:+.2f} %" if abs(percent) >= SHORTEST else f"{percent:+.1g} %", percent / 100)
