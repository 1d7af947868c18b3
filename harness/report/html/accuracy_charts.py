"""Accuracy of float, int8 and NPU graphs, of each class, and against estimated latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.metrics import BY_NAME
from harness.report.html.vega import DESCRIPTION, LABELS, NARROW, Chart, Spec, axis, category, data, draw, field, names
from harness.report.run_view import Model, RunView

GRAPHS = ("float", "int8", "npu")
GRAPH_MARKS = {"float": ("var(--muted)", "circle"), "int8": ("var(--accent)", "square"), "npu": ("var(--ship)", "diamond")}
ROW_HEIGHT = 30
NEAR = (0.35, 0.15)
"""Of the ranges of both axes: closer points would have their names on each other."""
ALONE = 0.05
"""How far the axis reaches on both sides of dots in one place."""
CLASS_HEIGHT = 19
CAPTIONS = {"map50_95": "COCO's rules: confidence .001, IoU .7"}


@dataclass(frozen=True)
class GraphDot:
    """The accuracy of one graph of a model."""

    model: str
    graph: str
    map: float
    description: str


@dataclass(frozen=True)
class DropBar:
    """What int8 costs a model, with its interval."""

    model: str
    drop: float
    low: float
    high: float
    description: str


@dataclass(frozen=True)
class ClassBar:
    """The AP50-95 of one class, None for a graph that has none of it."""

    name: str
    int8: float | None
    floating: float | None
    description: str


@dataclass(frozen=True)
class TradePoint:
    """A model's estimated milliseconds and accuracy; `front` when none beats it, `below` and `left` say where its name goes."""

    model: str
    ms: float
    map: float
    front: bool
    below: bool
    left: bool
    description: str


def accuracy_charts(view: RunView) -> list[Chart]:
    """MAP of every graph, and what int8 costs with its interval; none when the run measured no accuracy."""
    rows = [row for model in view.models for row in _graph_rows(view, model)]
    drops = [row for model in view.models if (row := _drop_row(view, model))]
    charts, title = [], view.accuracy.title
    if rows:
        spoken = f"{title} by graph. " + "; ".join(row.description for row in rows)
        caption = CAPTIONS.get(view.accuracy.name, "of every input of the data set")
        charts.append(Chart(title, caption, draw(_graphs(rows), spoken), evidence=("host",)))
    if drops:
        spoken = "What int8 costs. " + "; ".join(row.description for row in drops)
        caption = "float minus int8, with the 95 % paired bootstrap interval over images"
        charts.append(Chart(f"What int8 costs in {title}", caption, draw(_drops(drops), spoken), evidence=("host",)))
    return charts


def class_charts(view: RunView) -> list[Chart]:
    """One chart per model: the accuracy of each class, int8 as a bar and float as a mark."""
    charts = []
    for model in view.models:
        rows = _class_rows(view, model)
        if rows:
            spoken = f"{class_title(view)} of each class, {model.label}. " + "; ".join(row.description for row in rows)
            caption = "bar: int8, line: float" if any(row.floating is not None for row in rows) else "int8"
            charts.append(Chart(model.label, caption, draw(_classes(rows), spoken), evidence=("host",)))
    return charts


def class_title(view: RunView) -> str:
    """What each class has: "AP50-95", "recall"; "" where a task has no classes."""
    row = BY_NAME.get(view.accuracy.classes)
    return row.title.removesuffix(" of a class") if row else ""


def trade_charts(view: RunView) -> list[Chart]:
    """One chart per NPU: the estimate against the accuracy of the int8 graph; the filled ones are the Pareto front."""
    charts = []
    for profile in view.profiles:
        rows = _trade_rows(view, profile)
        if len(rows) > 1:
            spoken = f"accuracy against latency on {profile}. " + "; ".join(row.description for row in rows)
            whose = "our cycle model" if _stat(view, profile) == "open" else "Vela"
            caption = f"filled: nothing else is both faster, as {whose} estimates it, and more accurate"
            charts.append(
                Chart(profile, caption, draw(_trade(rows, view.accuracy.title), spoken), evidence=("estimated", "host"))
            )
    return charts


def _graph_rows(view: RunView, model: Model) -> list[GraphDot]:
    rows = []
    for graph in GRAPHS:
        value = view.value(view.accuracy.name, model=model.name, graph=graph)
        if value is not None:
            rows.append(GraphDot(model.label, graph, value, f"{model.label}, {graph}: {value:.3f}"))
    return rows


def _drop_row(view: RunView, model: Model) -> DropBar | None:
    ends = (view.value(view.accuracy.drop, model=model.name, stat=stat, graph="int8") for stat in ("", "low", "high"))
    drop, low, high = ends
    if drop is None or low is None or high is None:
        return None
    told = f"{model.label}: {drop:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}"
    return DropBar(model=model.label, drop=drop, low=low, high=high, description=told)


def _class_rows(view: RunView, model: Model) -> list[ClassBar]:
    floats, ints = (view.series(view.accuracy.classes, model=model.name, graph=graph) for graph in ("float", "int8"))
    order = sorted(ints or floats, key=lambda name: -(ints or floats)[name])
    rows = []
    for name in order:
        texts = [f"{graph} {of[name]:.3f}" for graph, of in (("int8", ints), ("float", floats)) if name in of]
        rows.append(ClassBar(name, ints.get(name), floats.get(name), f"{name}: {', '.join(texts)}"))
    return rows


def _stat(view: RunView, profile: str) -> str:
    """Whose estimate every model has: ours, or only Vela's."""
    every = [view.value("estimated_us", model=model.name, profile=profile, stat="vela") for model in view.models]
    ours = [view.value("estimated_us", model=model.name, profile=profile, stat="open") for model in view.models]
    return "vela" if any(own is None and vela is not None for own, vela in zip(ours, every, strict=True)) else "open"


def _trade_rows(view: RunView, profile: str) -> list[TradePoint]:
    found, stat = [], _stat(view, profile)
    for model in view.models:
        estimate = view.value("estimated_us", model=model.name, profile=profile, stat=stat)
        accuracy = view.value(view.accuracy.name, model=model.name, profile=profile, graph="int8")
        if estimate is not None and accuracy is not None:
            found.append((model.label, estimate / 1e3, accuracy))
    middle = (min(row[1] for row in found) + max(row[1] for row in found)) / 2 if found else 0.0
    wide = (max(row[1] for row in found) - min(row[1] for row in found)) * NEAR[0] if found else 0.0
    high = (max(row[2] for row in found) - min(row[2] for row in found)) * NEAR[1] if found else 0.0
    return [
        TradePoint(
            name,
            ms,
            accuracy,
            front=not any(m <= ms and a >= accuracy and (m, a) != (ms, accuracy) for _, m, a in found),
            below=any(abs(m - ms) <= wide and abs(a - accuracy) <= high for _, m, a in found[:number]),
            left=ms <= middle,
            description=f"{name}: {ms:.1f} ms estimated, {accuracy:.3f}",
        )
        for number, (name, ms, accuracy) in enumerate(found)
    ]


def _near(rows: Sequence[GraphDot]) -> Spec:
    """The part of 0..1 around the dots; of dots that all lie in one place a tenth, since an axis needs two ends."""
    found = {row.map for row in rows}
    if len(found) > 1:
        return {"zero": False, "padding": 8}
    (only,) = found
    return {"domain": [max(only - ALONE, 0), min(only + ALONE, 1)], "padding": 8}


def _graphs(rows: Sequence[GraphDot]) -> Spec:
    x = field("map", scale=_near(rows), axis=axis("", format=".2f", grid=True))
    found = [graph for graph in GRAPHS if any(row.graph == graph for row in rows)]
    colours, shapes = ({"domain": found, "range": [GRAPH_MARKS[graph][part] for graph in found]} for part in (0, 1))
    colour = category("graph", scale=colours, legend={"title": None, "orient": "top"})
    return {
        "width": NARROW - LABELS - 14,
        "height": {"step": ROW_HEIGHT},
        "data": data(rows),
        "encoding": {"y": names("model"), "x": x},
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 2, "color": "var(--line-strong)"},
                "encoding": {"detail": category("model")},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"color": colour, "shape": category("graph", scale=shapes), "description": DESCRIPTION},
            },
        ],
    }


def _drops(rows: Sequence[DropBar]) -> Spec:
    x = {"axis": axis("", format="+.3f", tickCount=4, grid=True)}
    whole_height = {"y": {"value": 0}, "y2": {"value": "height"}}
    return {
        "width": NARROW - LABELS - 14,
        "data": data(rows),
        "height": {"step": ROW_HEIGHT},
        "encoding": {"y": names("model"), "description": DESCRIPTION},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [3, 3]}, "encoding": {"x": {"datum": 0}, **whole_height}},
            {
                "mark": {"type": "rule", "strokeWidth": 4, "color": "var(--accent)", "opacity": 0.45},
                "encoding": {"x": field("low", **x), "x2": field("high")},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": "var(--accent)"},
                "encoding": {"x": field("drop", **x)},
            },
        ],
    }


def _classes(rows: Sequence[ClassBar]) -> Spec:
    scale = {"domain": [0, 1]}
    return {
        "width": NARROW - LABELS - 14,
        "height": {"step": CLASS_HEIGHT},
        "data": data(rows),
        "encoding": {"y": names("name"), "description": DESCRIPTION},
        "layer": [
            {
                "mark": {"type": "bar", "height": 9, "color": "var(--accent)", "cornerRadiusEnd": 2},
                "encoding": {"x": field("int8", scale=scale, axis=axis("", format=".1f", grid=True))},
            },
            {
                "mark": {"type": "tick", "height": 14, "thickness": 2, "color": "var(--ink)"},
                "encoding": {"x": field("floating", scale=scale)},
            },
        ],
    }


def _trade(rows: Sequence[TradePoint], accuracy: str) -> Spec:
    padded = {"zero": False, "padding": 22}
    fill = {"condition": {"test": "datum.front", "value": "var(--accent)"}, "value": "var(--card)"}
    return {
        "width": NARROW - 60,
        "height": 190,
        "data": data(rows),
        "encoding": {
            "x": field("ms", scale=padded, axis=axis("milliseconds, Vela's estimate", grid=True)),
            "y": field("map", scale=padded, axis=axis(f"{accuracy}, int8", format=".2f", grid=True, labelColor="var(--muted)")),
            "description": DESCRIPTION,
        },
        "layer": [
            {
                "mark": {"type": "point", "size": 80, "stroke": "var(--accent)", "strokeWidth": 2, "opacity": 1},
                "encoding": {"fill": fill},
            },
            *(_labels(side, below=below) for side in ("left", "right") for below in (False, True)),
        ],
    }


def _labels(align: str, *, below: bool) -> Spec:
    """Names beside the points, on the side where there is room; below a point when another's name stands above it."""
    away = {"dx": 9 if align == "left" else -9, "dy": 12 if below else -9}
    mark = {"type": "text", "align": align, **away, "fontSize": 10, "lineBreak": " = "}
    test = f"datum.left == {str(align == 'left').lower()} && datum.below == {str(below).lower()}"
    return {"transform": [{"filter": test}], "mark": mark, "encoding": {"text": category("model")}}
