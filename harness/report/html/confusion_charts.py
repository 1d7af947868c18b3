"""Which class a classifier takes for which: one chart per model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.report.html.class_pictures import class_names, taken_for
from harness.report.html.vega import DESCRIPTION, NARROW, Chart, Spec, axis, category, data, draw, names
from harness.report.run_view import RunView

SHOWN = 12
"""Classes of a chart; of more, those that are mixed up most."""
CELL = 19


@dataclass(frozen=True)
class ConfusionCell:
    """How many inputs of class `true` the int8 graph took for class `taken`; `share` of all of class `true`."""

    true: str
    taken: str
    count: int
    share: float
    right: bool
    description: str


def confusion_charts(view: RunView) -> list[Chart]:
    """One chart per model that classified inputs: rows are true classes, columns what they were taken for."""
    charts = []
    for model in view.models:
        rows, of = _cells(view, model.name)
        if rows:
            mixed = [row.description for row in rows if row.count and not row.right]
            spoken = f"confusion of {model.label}. " + ("; ".join(mixed) or "nothing is mixed up")
            more = f"the {SHOWN} most mixed up of {of} classes; " if of > SHOWN else ""
            caption = f"{more}rows: true, columns: taken for, int8"
            charts.append(Chart(model.label, caption, draw(_spec(rows), spoken), evidence=("host",)))
    return charts


def _cells(view: RunView, model: str) -> tuple[list[ConfusionCell], int]:
    """The cells of the classes that are shown, and how many classes there are."""
    found, classes = taken_for(view, model), class_names(view, model)
    rows = found.get("int8") or next(iter(found.values()), [])
    pairs = Counter((row["true"], row["best"][0]) for row in rows)
    totals, mixed = Counter(row["true"] for row in rows), Counter[int]()
    for (true, taken), count in pairs.items():
        if true != taken:
            mixed.update({true: count, taken: count})
    shown = sorted(sorted(range(len(classes)), key=lambda k: (-mixed[k], k))[:SHOWN]) if rows else []
    cells = [
        ConfusionCell(
            true=classes[true], taken=classes[taken], count=pairs[true, taken],
            share=pairs[true, taken] / max(totals[true], 1), right=true == taken,
            description=f"{classes[true]} taken for {classes[taken]}: {pairs[true, taken]} of {totals[true]}",
        )
        for true in shown
        for taken in shown
    ]  # fmt: skip
    return cells, len(classes)


def _spec(rows: list[ConfusionCell]) -> Spec:
    x = category("taken", axis=axis("", labelAngle=-40, labelLimit=90))
    colour = {
        "condition": {"test": "datum.right", "value": "var(--ship)"},
        "value": "var(--stop)",
    }
    opacity = {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.04, 0.6]}, "legend": None}
    return {
        "width": NARROW - 112,
        "height": {"step": CELL},
        "data": data(rows),
        "encoding": {"y": names("true"), "x": x, "description": DESCRIPTION},
        "layer": [
            {"mark": {"type": "rect"}, "encoding": {"color": colour, "opacity": opacity}},
            {"mark": {"type": "text"}, "encoding": {"text": {"field": "count", "type": "quantitative"}}},
        ],
    }
