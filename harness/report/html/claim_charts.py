"""Documented against found: one dumbbell chart per document and metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.report.html.vega import LABELS, NARROW, SAID, Chart, Spec, axis, category, draw, field, names
from harness.report.tables import Record, difference_text, found_text

OUTCOMES = ("confirmed", "exceeded", "fell short", "not comparable")
COLOURS = [f"var(--{outcome.replace(' ', '-')})" for outcome in OUTCOMES]
ROW_HEIGHT = 19
WORDS = {
    "npu_operator_share": "NPU compatibility",
    "map50_ultralytics83": "mAP50 of the float model",
    "map50_95_ultralytics83": "mAP50-95 of the float model",
}


def claim_charts(verdicts: Sequence[Record]) -> list[Chart]:
    """A chart for every document and metric whose claims are ratios of single models and have a figure."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for verdict in verdicts:
        if verdict["unit"] == "ratio" and isinstance(verdict["found"], (int, float)) and verdict["outcome"] in OUTCOMES:
            metric = verdict["text"].partition(" = ")[0]
            groups.setdefault((verdict["document"], metric), []).append(verdict)
    order = sorted(groups, key=lambda group: (group[1] != "npu_operator_share", group[1]))
    domains = {metric: _domain([row for group in groups if group[1] == metric for row in groups[group]]) for _, metric in order}
    return [_chart(document, metric, groups[document, metric], domains[metric]) for document, metric in order]


def _domain(verdicts: Sequence[Record]) -> tuple[float, float]:
    """The range of a metric in all documents, so that their charts can be compared with each other."""
    numbers = [float(verdict[side]) for verdict in verdicts for side in ("documented", "found")]
    margin = max(0.005, (max(numbers) - min(numbers)) * 0.06)
    return min(numbers) - margin, max(numbers) + margin


def _chart(document: str, metric: str, verdicts: Sequence[Record], domain: tuple[float, float]) -> Chart:
    rows = _rows(verdicts)
    title = WORDS.get(metric, metric)
    evidence = tuple(dict.fromkeys(verdict["evidence"] for verdict in verdicts))
    spoken = f"{title}: documented in {document} against found. " + "; ".join(row["said"] for row in rows)
    return Chart(title, document, draw(_spec(rows, domain), spoken), evidence=("documented", *evidence))


def _rows(verdicts: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per model and pair of numbers; equal rows of several NPUs are one."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for verdict in verdicts:
        documented, found = (found_text(verdict[side], "ratio") for side in ("documented", "found"))
        said = f"{verdict['variant']}: {documented} documented, {found} found, {difference_text(verdict)}, {verdict['outcome']}"
        row = {"model": verdict["variant"], "documented": verdict["documented"], "found": verdict["found"]}
        rows.setdefault(tuple(row.values()), {**row, "outcome": verdict["outcome"], "said": said})
    return list(rows.values())


def _spec(rows: Sequence[dict[str, Any]], domain: tuple[float, float]) -> Spec:
    x = {"scale": {"domain": list(domain), "nice": False, "zero": False}}
    x["axis"] = axis("", format=".0%" if domain[1] - domain[0] > 0.05 else ".1%", tickCount=4)
    y = names("model")
    colour = category("outcome", scale={"domain": list(OUTCOMES), "range": COLOURS}, legend=None)
    return {
        "width": NARROW - LABELS - 14,
        "height": ROW_HEIGHT * len({row["model"] for row in rows}),
        "data": {"values": list(rows)},
        "encoding": {"y": y, "color": colour, "description": SAID},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.55},
                "encoding": {"x": field("documented", **x), "x2": field("found")},
            },
            {
                "mark": {"type": "point", "size": 52, "strokeWidth": 1.8, "fill": "var(--card)"},
                "encoding": {"x": field("documented", **x)},
            },
            {"mark": {"type": "point", "size": 56, "filled": True, "opacity": 1}, "encoding": {"x": field("found", **x)}},
        ],
    }
