"""One figure over all runs: where it changed, and what changed there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from core.metrics import metric_of
from core.records.measurement import key_of
from harness.history.changes import causes, changes, forbids
from harness.history.run_comparison import Key
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

    key: Key
    steps: tuple[Step, ...]
    searched: bool = True

    @property
    def name(self) -> str:
        """The figure in words."""
        variant, profile, target, metric, *qualifiers = self.key
        qualified = ", ".join(filter(None, qualifiers))
        return f"{metric}{f'[{qualified}]' if qualified else ''} of {variant}, {profile} on {target}"


def trends(points: Sequence[Point], search_s: float = math.inf) -> list[Trend]:
    """A trend per variant, profile, target, metric, stat and graph; the search for change points ends after `search_s`."""
    series: dict[Key, list[Point]] = {}
    for point in points:
        series.setdefault(key_of(point.record), []).append(point)
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


def _trend(key: Key, points: Sequence[Point], search: _Search) -> Trend:
    search.missed = False
    between = [changes(before.record, after.record) for before, after in pairwise(points)]
    apart = list(_apart(key[3], points))
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
    last = points[0].record
    for point in points[1:]:
        comparable = "value" in last and "value" in point.record
        yield forbids(metric, changes(last, point.record)) if comparable else ""
        last = point.record if "value" in point.record else last


def _jumps(points: Sequence[Point], search: _Search) -> dict[int, Jump]:
    """Position -> how the figure changed there; sampled figures by change points, all others when they differ at all."""
    with_value = [index for index, point in enumerate(points) if "value" in point.record]
    values = [points[index].record["value"] for index in with_value]
    if not values:
        return {}
    record = points[0].record
    if metric_of(record["metric"]).repeats(record["evidence"]):
        return {
            with_value[i]: _jump(values[i - 1], values[i], record["unit"])
            for i in range(1, len(values))
            if values[i] != values[i - 1]
        }
    cuts = [0, *search.cuts(values), len(values)]
    levels = [median(values[start:end]) for start, end in pairwise(cuts)]
    return {with_value[cut]: _jump(levels[i], levels[i + 1], record["unit"]) for i, cut in enumerate(cuts[1:-1])}


def _jump(before: object, after: object, unit: str) -> Jump:
    """Shares and mAP differ by points, other numbers by percent."""
    if isinstance(before, bool) or not isinstance(before, int | float) or not isinstance(after, int | float):
        return Jump(f"{before} -> {after}")
    if unit == "ratio" and max(abs(before), abs(after)) <= 1:
        return Jump(f"{100 * (after - before):+.2f} points", after - before)
    if not before:
        return Jump(f"{before} -> {after}")
    percent = 100 * (after / before - 1)
    return Jump(f"{percent:+.2f} %" if abs(percent) >= SHORTEST else f"{percent:+.1g} %", percent / 100)
