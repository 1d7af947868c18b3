"""The runs at which figures changed, in words: what changed, at which commit, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.metrics import metric_of
from harness.history.trend import Jump, Step, Trend
from harness.report.past import FIGURES, Past
from harness.report.terminal import short_profile

MOST_EVENTS = 12
FEW = 3
"""Figures that are named one by one; of more the range is given."""
COMMIT = 10
"""Letters of a commit that are shown."""


@dataclass(frozen=True)
class Event:
    """A run at which something changed: `commits` and `causes` in words, `figures` a line for each metric."""

    run: str
    started: str
    commits: str
    causes: tuple[str, ...]
    figures: tuple[str, ...]
    state: str
    """`worse` when some figure got worse, `better` when some got better and none worse, else ``."""


def history_events(past: Past) -> list[Event]:
    """The runs at which one of these figures changed, the newest first; all the changes of a run are one event."""
    found = {run: [(t, i) for t in past.trends for i, s in enumerate(t.steps) if _tells(s, run)] for run in past.runs[::-1]}
    return [_event(changed) for changed in found.values() if changed]


def _tells(step: Step, run: str) -> bool:
    return step.point.run == run and bool(step.jump or step.apart)


def _event(changed: Sequence[tuple[Trend, int]]) -> Event:
    trend, index = changed[0]
    before, after = trend.steps[index - 1].point, trend.steps[index].point
    commits = [f"{point.commit[:COMMIT]}{' with local changes' if point.dirty else ''}" for point in (before, after)]
    steps = [trend.steps[index] for trend, index in changed]
    return Event(
        run=after.run,
        started=after.started[:16].replace("T", " "),
        commits=f"commit {commits[1]}" + ("" if commits[0] == commits[1] else f", before it {commits[0]}"),
        causes=tuple(dict.fromkeys(cause for step in steps for cause in step.causes)),
        figures=tuple(_lines(changed)),
        state=_state(changed),
    )


def _state(changed: Sequence[tuple[Trend, int]]) -> str:
    ways = set()
    for trend, index in changed:
        jump = trend.steps[index].jump
        better = metric_of(trend.key.metric).better
        if jump and jump.size and better != "neither":
            ways.add("better" if (jump.size > 0) == (better == "higher") else "worse")
    return "worse" if "worse" in ways else "".join(ways)


def _lines(changed: Sequence[tuple[Trend, int]]) -> Iterator[str]:
    for column in FIGURES:
        own = [(trend.key.case, trend.steps[index]) for trend, index in changed if trend.key.figure == column.figure]
        jumps = [(case.model, short_profile(case.profile), step.jump) for case, step in own if step.jump]
        if jumps:
            yield f"{column.headline}: {_told(jumps)}"
        if any(step.apart for _, step in own):
            yield f"{column.headline}: not compared with the run before"


def _told(jumps: Sequence[tuple[str, str, Jump]]) -> str:
    """Every jump of (model, NPU) by name, or their range; one that all NPUs share, or that needs none, names none."""
    places: dict[tuple[str, str], list[str]] = {}
    for model, npu, jump in jumps:
        places.setdefault((model, jump.text), []).append(npu)
    every = len({npu for _, npu, _ in jumps})
    if len(places) <= FEW:
        return ", ".join(
            f"{text} for {model}" + (f" on {', '.join(dict.fromkeys(on))}" if len(set(on)) < every or every == 1 else "")
            for (model, text), on in places.items()
        )
    texts = {text for _, text in places}
    if len(texts) == 1:
        return f"{len(places)} figures changed by {texts.pop()}"
    ordered = sorted(((jump.size, model, npu, jump.text) for model, npu, jump in jumps if jump.size is not None))
    ends = [f"{text} for {model} on {npu}" for _, model, npu, text in (ordered[:1] + ordered[-1:])]
    return f"{len(places)} figures changed" + (f", from {ends[0]} to {ends[1]}" if ends else "")
