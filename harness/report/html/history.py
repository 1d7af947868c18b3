"""Figures over the runs before this one: lines that break where two runs are not compared, and marks where a figure changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.metrics import metric_of
from harness.history.trend import Jump, Step, Trend
from harness.report.html.vega import NARROW, SAID, Chart, Spec, axis, category, draw, field
from harness.report.past import METRICS, Past, Shown
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
    return [_chart(shown, where, rows, past.runs) for shown, where, rows in _drawn(past) if _moves(rows)]


def unchanged(past: Past) -> list[str]:
    """The figures that were the same in all runs, in words."""
    flat: dict[str, list[str]] = {}
    for shown, where, rows in _drawn(past):
        if not _moves(rows) and len({row["run"] for row in rows}) > 1:
            flat.setdefault(shown.title, []).append(where)
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
        better = metric_of(trend.key[3]).better
        if jump and jump.size and better != "neither":
            ways.add("better" if (jump.size > 0) == (better == "higher") else "worse")
    return "worse" if "worse" in ways else "".join(ways)


def _lines(changed: Sequence[tuple[Trend, int]]) -> Iterator[str]:
    for shown in METRICS:
        own = [(trend, trend.steps[index]) for trend, index in changed if trend.key[3:] == shown.figure]
        jumps = [(trend.key[0], short_profile(trend.key[1]), step.jump) for trend, step in own if step.jump]
        if jumps:
            yield f"{shown.title}: {_told(jumps)}"
        if any(step.apart for _, step in own):
            yield f"{shown.title}: not compared with the run before"


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


def _drawn(past: Past) -> Iterator[tuple[Shown, str, list[dict[str, Any]]]]:
    """(figure, where, rows): places with the same figures are one, in as far as runs have both."""
    for shown in METRICS:
        places: dict[Place, list[dict[str, Any]]] = {}
        for trend in past.trends:
            if trend.key[3:] == shown.figure:
                places.setdefault((trend.key[1], trend.key[2]), []).extend(_rows(trend, shown, past.runs))
        groups: list[list[Place]] = []
        for place in sorted((place for place in places if places[place]), key=lambda place: -len(places[place])):
            group = next((group for group in groups if _figures(places[place]) <= _figures(places[group[0]])), None)
            groups.append([place]) if group is None else group.append(place)
        for group in groups:
            yield (
                shown,
                _where([place for place in places if place in group], [place for place in places if places[place]]),
                places[group[0]],
            )


def _figures(rows: Sequence[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(row["variant"], row["run"], row["value"]) for row in rows}


def _moves(rows: Sequence[dict[str, Any]]) -> bool:
    values: dict[str, set[float]] = {}
    for row in rows:
        values.setdefault(row["variant"], set()).add(row["value"])
    return any(len(found) > 1 for found in values.values())


def _where(places: Sequence[Place], every: Sequence[Place]) -> str:
    """Places with the same figures in words; what is the same for all NPUs or all targets names none."""
    profiles, targets = (list(dict.fromkeys(place[part] for place in places)) for part in (0, 1))
    all_profiles, all_targets = ({place[part] for place in every} for part in (0, 1))
    npu = "every NPU" if len(profiles) == len(all_profiles) > 1 else ", ".join(map(short_profile, profiles))
    return npu if len(targets) == len(all_targets) == 1 and not targets[0] else f"{npu}, {', '.join(targets)}"


def _rows(trend: Trend, shown: Shown, runs: Sequence[str]) -> Iterator[dict[str, Any]]:
    stretch = 0
    for step in trend.steps:
        stretch += bool(step.apart)
        record = step.point.record
        if isinstance(record.get("value"), (int, float)):
            value = record["value"] * shown.scale
            yield {
                "variant": trend.key[0], "run": runs.index(step.point.run), "value": value, "evidence": record["evidence"],
                "line": f"{trend.key[0]}/{stretch}", "marked": bool(step.jump), "commit": step.point.commit[:COMMIT],
                "said": f"{trend.key[0]}: {format(value, shown.form)} {shown.unit}; {step.text}",
            }  # fmt: skip


def _bands(rows: Sequence[dict[str, Any]], shown: Shown, runs: Sequence[str]) -> list[dict[str, Any]]:
    """One row per run with everything that was found in it: what the mouse and a screen reader get."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["run"], []).append(row)
    return [
        {"run": run, "said": f"{runs[run]}, commit {own[0]['commit']}: {_values(own, shown)}"}
        for run, own in sorted(found.items())
    ]  # fmt: skip


def _values(rows: Sequence[dict[str, Any]], shown: Shown) -> str:
    """The values of a run from the highest line to the lowest."""
    ordered = sorted(rows, key=lambda row: -row["value"])
    return ", ".join(f"{row['variant']} {format(row['value'], shown.form)}" for row in ordered) + f" {shown.unit}"


def _labels(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The name of each line beside its end, moved apart where they would lie on each other; none where there is no room."""
    last = {row["variant"]: row for row in rows}
    low, high = min(row["value"] for row in rows), max(row["value"] for row in rows)
    scale = (HEIGHT - 2 * PADDING) / (high - low)
    ordered = sorted(last.values(), key=lambda row: -row["value"])
    if len(ordered) * LABEL > HEIGHT:
        return []
    labels: list[dict[str, Any]] = []
    for row in ordered:
        wanted = PADDING + (high - row["value"]) * scale
        labels.append({"name": row["variant"], "y": max(wanted, labels[-1]["y"] + LABEL) if labels else wanted})
    for i in range(len(labels) - 1, -1, -1):
        labels[i]["y"] = min(labels[i]["y"], labels[i + 1]["y"] - LABEL if i + 1 < len(labels) else HEIGHT - LABEL / 2)
    return labels


def _chart(shown: Shown, place: str, rows: Sequence[dict[str, Any]], runs: Sequence[str]) -> Chart:
    title = f"{shown.title}{f', {shown.unit}' if shown.unit else ''}"
    spoken = f"{title} on {place} over {len(runs)} runs; {sum(row['marked'] for row in rows)} changes"
    evidence = tuple(sorted({str(row["evidence"]) for row in rows}))
    return Chart(title, place, draw(_spec(rows, _bands(rows, shown, runs), len(runs)), spoken), evidence=evidence)


def _spec(rows: Sequence[dict[str, Any]], bands: Sequence[dict[str, Any]], runs: int) -> Spec:
    x = field(
        "run", axis=axis("runs, oldest first", tickMinStep=1, format="d", labels=False), scale={"padding": 8, "nice": False}
    )
    y = field(
        "value", scale={"zero": False, "nice": False, "padding": PADDING}, axis=axis("", grid=True, labelColor="var(--muted)")
    )
    lengths = Counter(row["line"] for row in rows)
    alone = [row for row in rows if lengths[row["line"]] == 1]
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
                "data": {"values": [{key: row[key] for key in ("run", "value", "line")} for row in rows]},
                "mark": {"type": "line", "strokeWidth": 1.5, "color": "var(--accent)", "opacity": 0.7, "aria": False},
                "encoding": {"detail": category("line")},
            },
            {
                "data": {"values": alone},
                "mark": {"type": "point", "filled": True, "size": 26, "color": "var(--accent)", "opacity": 1, "aria": False},
            },
            {
                "data": {"values": _labels(rows)},
                "mark": label,
                "encoding": {"x": {"value": "width"}, "y": field("y", scale=None), "text": category("name")},
            },
            {
                "data": {"values": list(bands)},
                "mark": band,
                "encoding": {"y": {"value": 0}, "y2": {"value": "height"}, "description": SAID},
            },
            {
                "data": {"values": [row for row in rows if row["marked"]]},
                "mark": {"type": "point", "size": 130, "color": "var(--stop)", "strokeWidth": 2, "shape": "diamond"},
                "encoding": {"description": SAID},
            },
        ],
    }
