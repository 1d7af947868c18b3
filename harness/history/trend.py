"""One figure over all runs: where it changed, and what changed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.history.changes import causes, changes
from harness.history.store import Point
from harness.metrics import metric_of
from harness.statistics.change_points import change_points


@dataclass(frozen=True)
class Step:
    """One run in a trend: what changed since the run before it, in words; `jumped` when the figure itself did."""

    point: Point
    text: str
    jumped: bool


@dataclass(frozen=True)
class Trend:
    """One figure of one case over the runs that have it."""

    name: str
    steps: tuple[Step, ...]


def trends(points: Sequence[Point]) -> list[Trend]:
    """A trend per variant, profile, target, metric, stat and graph."""
    series: dict[str, list[Point]] = {}
    for point in points:
        series.setdefault(_name(point), []).append(point)
    return [Trend(name, tuple(_steps(of_case))) for name, of_case in series.items()]


def _steps(points: Sequence[Point]) -> list[Step]:
    jumps = _jumps(points)
    steps = []
    for index, point in enumerate(points):
        texts = [jumps[index]] if index in jumps else []
        if index:
            texts += map(str, causes(changes(points[index - 1].record, point.record)))
        steps.append(Step(point, "; ".join(texts), index in jumps))
    return steps


def _jumps(points: Sequence[Point]) -> dict[int, str]:
    """Position -> how the figure changed there; sampled figures by change points, all others when they differ at all."""
    with_value = [index for index, point in enumerate(points) if "value" in point.record]
    values = [points[index].record["value"] for index in with_value]
    if not values:
        return {}
    metric = metric_of(points[0].record["metric"])
    if metric.repeats(points[0].record["evidence"]):
        return {
            with_value[i]: _difference(values[i - 1], values[i]) for i in range(1, len(values)) if values[i] != values[i - 1]
        }
    cuts = [0, *change_points(values), len(values)]
    levels = [_median(values[start:end]) for start, end in pairwise(cuts)]
    return {with_value[cut]: _difference(levels[i], levels[i + 1]) for i, cut in enumerate(cuts[1:-1])}


def _difference(before: object, after: object) -> str:
    if isinstance(before, int | float) and isinstance(after, int | float) and not isinstance(before, bool) and before:
        return f"{100 * (after / before - 1):+.2f} %"
    return f"{before} -> {after}"


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _name(point: Point) -> str:
    record = point.record
    qualifiers = ", ".join(record[key] for key in ("stat", "graph") if record.get(key))
    figure = f"{record['metric']}[{qualifiers}]" if qualifiers else record["metric"]
    return f"{figure} of {record['variant']}, {record['profile']} on {record['target']}"
