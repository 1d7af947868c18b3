"""Figures over the runs before this one: lines that break where two runs are not compared, and marks where a figure changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.metrics import metric_of
from harness.history.trend import Jump, Step, Trend
from harness.report.html.vega import DESCRIPTION, NARROW, Chart, Spec, axis, category, data, draw, field
from harness.report.past import FIGURES, Past
from harness.report.tables import Column
from harness.report.terminal import short_profile

MOST_EVENTS = 12
FEW = 3
"""Figures that are named one by one; of more the range is given."""
WIDTH, HEIGHT, PADDING = NARROW - 130, 140, 10
"""Of a chart's plot, pixels; the names of the lines stand at its right."""
LABEL = 11
"""Pixels from one name to the next."""
Place = tuple[str, str]
COMMIT = 10
"""Letters of a commit that are shown."""


@dataclass(frozen=True)
class TrendPoint:
    """A model's figure in one run: a point of its `line`, which breaks where two runs are not compared.

    `run` is the number of the run, `value` is in the metric's displayed unit, `marked` where the figure changed.
    """

    model: str
    run: int
    value: float
    evidence: str
    line: str
    marked: bool
    commit: str
    description: str


@dataclass(frozen=True)
class RunBand:
    """Everything that was found in a run: what the mouse and a screen reader get."""

    run: int
    description: str


@dataclass(frozen=True)
class LineLabel:
    """The name of a line beside its end, `y` in pixels."""

    name: str
    y: float


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


def history_charts(past: Past) -> list[Chart]:
    """A chart per metric, NPU and target of which some model's figure is not the same in all runs, oldest run first.

    A figure that does not depend on the NPU has one chart for all of them. None for a history of one run.
    """
    return [_chart(column, where, points, past.runs) for column, where, points in _drawn(past) if _moves(points)]


def unchanged(past: Past) -> list[str]:
    """The figures that were the same in all runs, in words."""
    flat: dict[str, list[str]] = {}
    for column, where, points in _drawn(past):
        if not _moves(points) and len({point.run for point in points}) > 1:
            flat.setdefault(column.headline, []).append(where)
    return [f"{title} ({'; '.join(places)})" for title, places in flat.items()]


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
        after.run,
        after.started[:16].replace("T", " "),
        f"commit {commits[1]}" + ("" if commits[0] == commits[1] else f", before it {commits[0]}"),
        tuple(dict.fromkeys(cause for step in steps for cause in step.causes)),
        tuple(_lines(changed)),
        _state(changed),
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


def _drawn(past: Past) -> Iterator[tuple[Column, str, list[TrendPoint]]]:
    """(figure, where, points): places with the same figures are one, in as far as runs have both."""
    for column in FIGURES:
        places: dict[Place, list[TrendPoint]] = {}
        for trend in past.trends:
            if trend.key.figure == column.figure:
                places.setdefault(trend.key.case.place, []).extend(_points(trend, column, past.runs))
        every = [place for place in places if places[place]]
        groups: list[list[Place]] = []
        for place in sorted(every, key=lambda place: -len(places[place])):
            group = next((group for group in groups if _figures(places[place]) <= _figures(places[group[0]])), None)
            groups.append([place]) if group is None else group.append(place)
        for group in groups:
            yield column, _where([place for place in every if place in group], every), places[group[0]]


def _figures(points: Sequence[TrendPoint]) -> set[tuple[str, int, float]]:
    return {(point.model, point.run, point.value) for point in points}


def _moves(points: Sequence[TrendPoint]) -> bool:
    values: dict[str, set[float]] = {}
    for point in points:
        values.setdefault(point.model, set()).add(point.value)
    return any(len(found) > 1 for found in values.values())


def _where(places: Sequence[Place], every: Sequence[Place]) -> str:
    """Places with the same figures in words; what is the same for all NPUs or all targets names none."""
    profiles, targets = (list(dict.fromkeys(place[part] for place in places)) for part in (0, 1))
    all_profiles, all_targets = ({place[part] for place in every} for part in (0, 1))
    npu = "every NPU" if len(profiles) == len(all_profiles) > 1 else ", ".join(map(short_profile, profiles))
    return npu if len(targets) == len(all_targets) == 1 and not targets[0] else f"{npu}, {', '.join(targets)}"


def _points(trend: Trend, column: Column, runs: Sequence[str]) -> Iterator[TrendPoint]:
    display, model, stretch = column.row.display, trend.key.case.model, 0
    for step in trend.steps:
        stretch += bool(step.apart)
        figure = step.point.figure
        if figure.number is not None:
            yield TrendPoint(
                model=model,
                run=runs.index(step.point.run),
                value=figure.number * display.scale,
                evidence=str(figure.evidence),
                line=f"{model}/{stretch}",
                marked=bool(step.jump),
                commit=step.point.commit[:COMMIT],
                description=f"{model}: {display.text(figure.number)} {display.unit}; {step.text}",
            )


def _bands(points: Sequence[TrendPoint], column: Column, runs: Sequence[str]) -> list[RunBand]:
    """One band per run with everything that was found in it."""
    found: dict[int, list[TrendPoint]] = {}
    for point in points:
        found.setdefault(point.run, []).append(point)
    return [RunBand(run, f"{runs[run]}, commit {own[0].commit}: {_values(own, column)}") for run, own in sorted(found.items())]


def _values(points: Sequence[TrendPoint], column: Column) -> str:
    """The values of a run from the highest line to the lowest."""
    display = column.row.display
    ordered = sorted(points, key=lambda point: -point.value)
    return ", ".join(f"{point.model} {format(point.value, display.form)}" for point in ordered) + f" {display.unit}"


def _labels(points: Sequence[TrendPoint]) -> list[LineLabel]:
    """The name of each line beside its end, moved apart where they would lie on each other; none where there is no room."""
    last = {point.model: point for point in points}
    low, high = min(point.value for point in points), max(point.value for point in points)
    scale = (HEIGHT - 2 * PADDING) / (high - low)
    ordered = sorted(last.values(), key=lambda point: -point.value)
    if len(ordered) * LABEL > HEIGHT:
        return []
    heights: list[float] = []
    for point in ordered:
        wanted = PADDING + (high - point.value) * scale
        heights.append(max(wanted, heights[-1] + LABEL) if heights else wanted)
    for i in range(len(heights) - 1, -1, -1):
        heights[i] = min(heights[i], heights[i + 1] - LABEL if i + 1 < len(heights) else HEIGHT - LABEL / 2)
    return [LineLabel(point.model, y) for point, y in zip(ordered, heights, strict=True)]


def _chart(column: Column, place: str, points: Sequence[TrendPoint], runs: Sequence[str]) -> Chart:
    unit = column.row.display.unit
    title = f"{column.headline}, {unit}" if unit else column.headline
    spoken = f"{title} on {place} over {len(runs)} runs; {sum(point.marked for point in points)} changes"
    evidence = tuple(sorted({point.evidence for point in points}))
    return Chart(title, place, draw(_spec(points, _bands(points, column, runs), len(runs)), spoken), evidence=evidence)


def _spec(points: Sequence[TrendPoint], bands: Sequence[RunBand], runs: int) -> Spec:
    x = field(
        "run", axis=axis("runs, oldest first", tickMinStep=1, format="d", labels=False), scale={"padding": 8, "nice": False}
    )
    y = field(
        "value", scale={"zero": False, "nice": False, "padding": PADDING}, axis=axis("", grid=True, labelColor="var(--muted)")
    )
    lengths = Counter(point.line for point in points)
    alone = [point for point in points if lengths[point.line] == 1]
    label = {
        "type": "text",
        "align": "left",
        "dx": 5,
        "fontSize": 10,
        "baseline": "middle",
        "aria": False,
        "color": "var(--muted)",
    }
    band = {"type": "rule", "strokeWidth": WIDTH / runs, "opacity": 0}
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "data": data(points, "run", "value", "line"),
                "mark": {"type": "line", "strokeWidth": 1.5, "color": "var(--accent)", "opacity": 0.7, "aria": False},
                "encoding": {"detail": category("line")},
            },
            {
                "data": data(alone),
                "mark": {"type": "point", "filled": True, "size": 26, "color": "var(--accent)", "opacity": 1, "aria": False},
            },
            {
                "data": data(_labels(points)),
                "mark": label,
                "encoding": {"x": {"value": "width"}, "y": field("y", scale=None), "text": category("name")},
            },
            {
                "data": data(bands),
                "mark": band,
                "encoding": {"y": {"value": 0}, "y2": {"value": "height"}, "description": DESCRIPTION},
            },
            {
                "data": data([point for point in points if point.marked]),
                "mark": {"type": "point", "size": 130, "color": "var(--stop)", "strokeWidth": 2, "shape": "diamond"},
                "encoding": {"description": DESCRIPTION},
            },
        ],
    }
