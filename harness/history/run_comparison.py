"""Holds one run against another, figure by figure. What changed between them is always said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.metrics import Metric, metric_of
from core.records.case_key import CaseKey
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement, Value
from harness.history.changes import Change, changes, forbids
from harness.results.stored_run import StoredRun
from harness.statistics.shift import BOUND, Shift, ShiftVerdict, runs_shift
from harness.tasks.interval import Interval

Outcome = Literal[
    "same", "better", "worse", "changed", "faster", "slower", "equivalent", "undecided", "not comparable", "missing", "new"
]
NEGATIVE = ("worse", "slower", "missing")
Earlier = Callable[[Measurement], Sequence[float]]
"""Values of a figure in other runs of the very same identity."""
MapInterval = Callable[[Measurement], Interval | None]
"""The paired bootstrap interval of the first run's mAP50-95 minus the second's, where detections and images are at hand."""


def no_history(figure: Measurement) -> Sequence[float]:
    """No earlier runs are known."""
    return ()


def no_images(figure: Measurement) -> Interval | None:
    """No images are at hand."""
    return None


@dataclass(frozen=True)
class Knowledge:
    """What a comparison may draw on beside the two runs."""

    earlier: Earlier = no_history
    map_interval: MapInterval = no_images
    bound: float = BOUND


@dataclass(frozen=True)
class FigureComparison:
    """One figure of both runs: `shift` relative for numbers (0.03 is 3 % more), `interval` and `note` where there is more."""

    key: FigureKey
    first: Measurement | None
    second: Measurement | None
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    shift: Shift | None = None
    note: str = ""

    @property
    def decides(self) -> bool:
        """Whether the outcome counts: rows that only explain others do not."""
        return metric_of(self.key.metric).decides(self.key.stat)

    @property
    def negative(self) -> bool:
        """Whether this is a reason to look twice."""
        return self.decides and self.outcome in NEGATIVE


@dataclass(frozen=True)
class Comparison:
    """One run held against another: every figure of the cases that both have, and the cases that only one has."""

    first: StoredRun
    second: StoredRun
    judged: tuple[FigureComparison, ...]
    only_first: tuple[CaseKey, ...]
    only_second: tuple[CaseKey, ...]

    @property
    def negative(self) -> list[FigureComparison]:
        """Every figure that is a reason to look twice."""
        return [judged for judged in self.judged if judged.negative]


def compare(first: StoredRun, second: StoredRun, knowledge: Knowledge | None = None) -> Comparison:
    """Every figure of the cases that both runs have, in the order of the second and then what it lacks."""
    before, after = first.figures, second.figures
    cases_before, cases_after = (list(dict.fromkeys(key.case for key in keys)) for keys in (before, after))
    both = set(cases_before) & set(cases_after)
    shared = [key for key in dict.fromkeys([*after, *before]) if key.case in both]
    return Comparison(
        first=first,
        second=second,
        judged=tuple(_judge(key, before.get(key), after.get(key), knowledge or Knowledge()) for key in shared),
        only_first=tuple(case for case in cases_before if case not in cases_after),
        only_second=tuple(case for case in cases_after if case not in cases_before),
    )


def _judge(key: FigureKey, first: Measurement | None, second: Measurement | None, knowledge: Knowledge) -> FigureComparison:
    if first is None or second is None:
        return FigureComparison(key, first, second, "new" if first is None else "missing")
    found = changes(first, second)
    if first.unavailable or second.unavailable:
        return _without_value(key, first, second, found)
    reason = forbids(key.metric, found)
    if reason:
        return FigureComparison(key=key, first=first, second=second, outcome="not comparable", changes=found, note=reason)
    metric = metric_of(key.metric)
    if not metric.repeats(second.evidence):
        return _sampled(FigureComparison(key=key, first=first, second=second, outcome="undecided", changes=found), knowledge)
    judged = FigureComparison(
        key=key, first=first, second=second, outcome=exact_outcome(metric, first.value, second.value), changes=found
    )
    return _over_images(judged, knowledge.map_interval(second)) if key.metric == "map50_95" else judged


def _over_images(judged: FigureComparison, interval: Interval | None) -> FigureComparison:
    """An exact difference of mAP, which counts only when other images would show it too."""
    if interval is None or judged.outcome == "same":
        return judged
    note = f"{-interval.difference:+.4f} [{-interval.high:+.4f}, {-interval.low:+.4f}] over images"
    certain = interval.low > 0 or interval.high < 0
    return replace(judged, outcome=judged.outcome if certain else "undecided", note=note)


def _without_value(key: FigureKey, first: Measurement, second: Measurement, found: tuple[Change, ...]) -> FigureComparison:
    """A figure that one of the runs could not have: lost is a reason to look twice, gained and absent in both are not."""
    lost, had = second.unavailable, first.unavailable
    if lost and had:
        return FigureComparison(key=key, first=first, second=second, outcome="same", changes=found, note=lost.reason)
    reason = lost or had
    assert reason
    return FigureComparison(
        key=key, first=first, second=second, outcome="missing" if lost else "new", changes=found, note=reason.reason
    )


def exact_outcome(metric: Metric, before: Value, after: Value) -> Outcome:
    """How a figure that repeats to the last bit has changed."""
    if before == after:
        return "same"
    if metric.better == "neither" or not isinstance(after, int | float) or not isinstance(before, int | float):
        return "changed"
    return "better" if (after > before) == (metric.better == "higher") else "worse"


def _sampled(judged: FigureComparison, knowledge: Knowledge) -> FigureComparison:
    """A figure that differs from run to run: judged by how far runs of the same thing have differed."""
    assert judged.first
    before, after = (figure.number if figure else None for figure in (judged.first, judged.second))
    if before is None or after is None or min(before, after) <= 0:
        return replace(judged, note="no ratio with zero")
    shift = runs_shift(before, after, knowledge.earlier(judged.first), knowledge.bound)
    return replace(judged, outcome=_in_words(shift.verdict, metric_of(judged.key.metric)), shift=shift, note=shift.why)


def _in_words(verdict: ShiftVerdict, metric: Metric) -> Outcome:
    """`faster` and `slower` are for latencies; of another sampled figure more or less is better or worse."""
    if metric.is_latency or verdict not in ("faster", "slower"):
        return verdict
    return "worse" if (verdict == "slower") == (metric.better == "lower") else "better"
