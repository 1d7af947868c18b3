"""Figures over the runs before this one: lines that break where the identity changes, and marks where a figure does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from harness.report.html.vega import NARROW, SAID, Chart, Spec, axis, category, draw, field
from harness.report.tables import Record

EXACT = frozenset({"compiled", "estimated"})
"""Evidence of figures that do not vary: any difference between two runs is a change."""
SHOWN_RUNS = 60
Key = tuple[str, str, str, str, str, str, str]


class PastRun(Protocol):
    """A run of the history: the `run` and `records` of its results.json."""

    @property
    def header(self) -> Mapping[str, Any]:
        """The run's header."""

    @property
    def records(self) -> Sequence[Record]:
        """The run's records."""


@dataclass(frozen=True)
class ChangePoint:
    """A change of level that whoever keeps the history found: `run` is the first run of the new level.

    The figure it belongs to is named like a record; `why` says by which method, with its numbers.
    """

    variant: str
    profile: str
    target: str
    metric: str
    run: str
    why: str
    stat: str = ""
    graph: str = ""


class Point(Protocol):
    """A figure in a run of a history."""

    @property
    def run(self) -> str:
        """The run's id."""

    @property
    def record(self) -> Record:
        """The figure's record."""


class Step(Protocol):
    """A point of a trend; `jumped` when the figure changed there, `text` in words."""

    @property
    def point(self) -> Point:
        """Where."""

    @property
    def text(self) -> str:
        """What changed."""

    @property
    def jumped(self) -> bool:
        """Whether the figure did."""


def changes_of(steps: Iterable[Step]) -> list[ChangePoint]:
    """The change points of a trend that a history has found."""
    return [_change(step) for step in steps if step.jumped]


def _change(step: Step) -> ChangePoint:
    variant, profile, target, metric, stat, graph, _ = _key(step.point.record)
    return ChangePoint(variant, profile, target, metric, step.point.run, step.text, stat, graph)


@dataclass(frozen=True)
class Shown:
    """A metric that history has a chart of, with the unit it is drawn in."""

    metric: str
    title: str
    unit: str
    scale: float = 1.0
    stat: str = ""
    graph: str = ""
    form: str = ".2f"


METRICS = (
    Shown("estimated_us", "Vela's estimate", "ms", 1e-3),
    Shown("latency_us", "Median latency", "ms", 1e-3, stat="median"),
    Shown("map50_95", "mAP50-95, int8", "", graph="int8", form=".3f"),
    Shown("npu_operator_share", "Operators on the NPU", "%", 100, form=".1f"),
    Shown("arena_bytes", "Arena", "MiB", 2**-20),
)


def history_charts(runs: Sequence[PastRun], changes: Sequence[ChangePoint] = ()) -> list[Chart]:
    """A chart per metric, NPU and target that at least two runs have and that is not the same in all of them, oldest run first.

    A figure that does not depend on the NPU has one chart for all of them. None for a history of one run.
    """
    ordered = sorted(runs, key=lambda run: str(run.header["started"]))[-SHOWN_RUNS:]
    return [chart for shown in METRICS for chart in _charts(_rows(ordered, shown), shown, changes, len(ordered))]


def _charts(rows: Sequence[dict[str, Any]], shown: Shown, changes: Sequence[ChangePoint], runs: int) -> Iterable[Chart]:
    places: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
    by_place = _by_place(rows)
    for place, own in by_place.items():
        figures = tuple((row["variant"], row["run"], row["value"]) for row in own)
        places.setdefault((place[1], figures), []).append(place)
    for (target, _), same in places.items():
        own = by_place[same[0]]
        if len({row["run"] for row in own}) > 1 and len({row["value"] for row in own}) > 1:
            where = "every NPU" if len(same) == len({place[0] for place in by_place}) > 1 else ", ".join(p for p, _ in same)
            marks = [*_steps(own, shown), *_found(own, changes, shown)]
            yield _chart(shown, f"{where}, {target}", own, marks, runs)


def _rows(runs: Sequence[PastRun], shown: Shown) -> list[dict[str, Any]]:
    rows = []
    segments: dict[Key, tuple[Any, int]] = {}
    for number, run in enumerate(runs):
        for record in run.records:
            if not _belongs(record, shown):
                continue
            key = _key(record)
            identity, segment = segments.get(key, (record["identity"], 0))
            changed = _differences(identity, record["identity"])
            segments[key] = (record["identity"], segment + bool(changed))
            rows.append(_row(record, shown, run, number, changed) | {"line": f"{'-'.join(key)}/{segment + bool(changed)}"})
    return rows


def _belongs(record: Record, shown: Shown) -> bool:
    named = (record["metric"], record.get("stat", ""), record.get("graph", "")) == (shown.metric, shown.stat, shown.graph)
    return named and isinstance(record.get("value"), (int, float))


def _key(record: Record) -> Key:
    parts = ("variant", "profile", "target", "metric", "stat", "graph", "evidence")
    a, b, c, d, e, f, g = (str(record.get(part, "")) for part in parts)
    return a, b, c, d, e, f, g


def _row(record: Record, shown: Shown, run: PastRun, number: int, changed: Sequence[str]) -> dict[str, Any]:
    value = record["value"] * shown.scale
    where = f"in {run.header['id']}, commit {run.header['commit'][:10]}"
    said = f"{record['variant']}: {format(value, shown.form)} {shown.unit} {where}"
    if changed:
        said += f"; not comparable with the run before: {', '.join(changed)} changed"
    return {
        "variant": record["variant"], "profile": record["profile"], "target": record["target"], "run": number,
        "name": run.header["id"], "value": value, "exact": record["evidence"] in EXACT, "evidence": record["evidence"],
        "said": said,
    }  # fmt: skip


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Parts of the identity that differ, except the fingerprints of files: those change with what is being followed."""
    followed = {"weights", "tflite", "compiled"}
    return [part for part in sorted({*before, *after} - followed) if before.get(part) != after.get(part)]


def _by_place(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    places: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        places.setdefault((row["profile"], row["target"]), []).append(row)
    return places


def _steps(rows: Sequence[dict[str, Any]], shown: Shown) -> list[dict[str, Any]]:
    """Marks where a figure that does not vary is another than in the run before."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        lines.setdefault(row["line"], []).append(row)
    return [
        {**after, "said": f"changed: {format(before['value'], shown.form)} before. {after['said']}"}
        for line in lines.values()
        for before, after in pairwise(line)
        if after["exact"] and before["value"] != after["value"]
    ]


def _found(rows: Sequence[dict[str, Any]], changes: Sequence[ChangePoint], shown: Shown) -> list[dict[str, Any]]:
    """Marks for change points that the history found by statistics."""
    wanted = {
        (change.variant, change.profile, change.target, change.run): change
        for change in changes
        if (change.metric, change.stat, change.graph) == (shown.metric, shown.stat, shown.graph)
    }
    keys = [((row["variant"], row["profile"], row["target"], row["name"]), row) for row in rows]
    return [{**row, "said": f"changed: {wanted[key].why}. {row['said']}"} for key, row in keys if key in wanted]


def _chart(shown: Shown, place: str, rows: Sequence[Any], marks: Sequence[Any], runs: int) -> Chart:
    title = f"{shown.title}{f', {shown.unit}' if shown.unit else ''}"
    spoken = f"{title} on {place} over {runs} runs; {len(marks)} changes"
    evidence = tuple(sorted({str(row["evidence"]) for row in rows}))
    return Chart(title, place, draw(_spec(rows, marks), spoken), evidence=evidence)


def _spec(rows: Sequence[Any], marks: Sequence[Any]) -> Spec:
    x = field("run", axis=axis("runs, oldest first", tickMinStep=1, format="d", labels=False), scale={"padding": 8})
    y = field("value", scale={"zero": False, "padding": 10}, axis=axis("", grid=True, labelColor="var(--muted)"))
    return {
        "width": NARROW - 60,
        "height": 140,
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "data": {"values": list(rows)},
                "mark": {"type": "line", "strokeWidth": 1.5, "color": "var(--accent)", "opacity": 0.7},
                "encoding": {"detail": category("line")},
            },
            {
                "data": {"values": list(rows)},
                "mark": {"type": "point", "filled": True, "size": 26, "color": "var(--accent)", "opacity": 1},
                "encoding": {"description": SAID},
            },
            {
                "data": {"values": list(marks)},
                "mark": {"type": "point", "size": 130, "color": "var(--stop)", "strokeWidth": 2, "shape": "diamond"},
                "encoding": {"description": SAID},
            },
        ],
    }
