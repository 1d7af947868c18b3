"""Figures over the runs before this one: lines that break where two runs are not compared, and marks where one changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.history.trend import Trend
from harness.report.html.history_events import COMMIT
from harness.report.html.vega import DESCRIPTION, NARROW, Chart, Spec, axis, category, data, draw, field
from harness.report.past import FIGURES, Past
from harness.report.tables import Column
from harness.report.terminal import short_profile

WIDTH, HEIGHT, PADDING = NARROW - 130, 140, 10
"""Of a chart's plot, pixels; the names of the lines stand at its right."""
LABEL = 11
"""Pixels from one name to the next."""
Place = tuple[str, str]


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
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "encoding": {"x": x, "y": y},
        "layer": [*_lines(points), _names(points), _readout(bands, runs), _marks(points)],
    }


def _lines(points: Sequence[TrendPoint]) -> tuple[Spec, Spec]:
    """The lines, and dots for those of a single run, which a line would not show."""
    line = {"type": "line", "strokeWidth": 1.5, "color": "var(--accent)", "opacity": 0.7, "aria": False}
    dot = {"type": "point", "filled": True, "size": 26, "color": "var(--accent)", "opacity": 1, "aria": False}
    lengths = Counter(point.line for point in points)
    alone = [point for point in points if lengths[point.line] == 1]
    whole = {"data": data(points, "run", "value", "line"), "mark": line, "encoding": {"detail": category("line")}}
    return whole, {"data": data(alone), "mark": dot}


def _names(points: Sequence[TrendPoint]) -> Spec:
    text = {"type": "text", "align": "left", "dx": 5, "fontSize": 10, "baseline": "middle", "aria": False}
    return {
        "data": data(_labels(points)),
        "mark": {**text, "color": "var(--muted)"},
        "encoding": {"x": {"value": "width"}, "y": field("y", scale=None), "text": category("name")},
    }


def _readout(bands: Sequence[RunBand], runs: int) -> Spec:
    """What is read out of a run, over its whole height and seen by nobody."""
    return {
        "data": data(bands),
        "mark": {"type": "rule", "strokeWidth": WIDTH / runs, "opacity": 0},
        "encoding": {"y": {"value": 0}, "y2": {"value": "height"}, "description": DESCRIPTION},
    }


def _marks(points: Sequence[TrendPoint]) -> Spec:
    return {
        "data": data([point for point in points if point.marked]),
        "mark": {"type": "point", "size": 130, "color": "var(--stop)", "strokeWidth": 2, "shape": "diamond"},
        "encoding": {"description": DESCRIPTION},
    }
