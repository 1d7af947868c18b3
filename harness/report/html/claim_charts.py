"""Documented against found: one dumbbell chart per document and metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.records.verdict import Verdict
from harness.report.html.vega import DESCRIPTION, LABELS, NARROW, Chart, Spec, axis, category, data, draw, field, names
from harness.report.tables import Column, amount_text, difference_text

OUTCOMES = ("confirmed", "exceeded", "fell short", "not comparable")
COLOURS = [f"var(--{outcome.replace(' ', '-')})" for outcome in OUTCOMES]
ROW_HEIGHT = 19
FIRST = ("rules_operator_share", "npu_operator_share")
"""The metrics that documents are mostly about: on the hardware that they name, then on ours."""


@dataclass(frozen=True)
class ClaimRow:
    """A model's documented and found number: a dumbbell."""

    model: str
    documented: float
    found: float
    outcome: str
    description: str


def claim_charts(verdicts: Sequence[Verdict]) -> list[Chart]:
    """A chart for every document and figure whose claims are ratios of single models and have a figure."""
    groups: dict[tuple[str, Column], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.unit == "ratio" and not isinstance(verdict.found, str) and verdict.outcome in OUTCOMES and verdict.metric:
            groups.setdefault((verdict.document, Column(verdict.metric, graph=verdict.graph)), []).append(verdict)
    order = sorted(groups, key=lambda group: (_rank(group[1].metric), group[1].metric))
    rows = {group: _rows(groups[group]) for group in order}
    domains = {of: _domain([row for group in order if group[1] == of for row in rows[group]]) for _, of in order}
    return [
        _chart(document, column, rows[document, column], _evidence(groups[document, column]), domains[column])
        for document, column in order
    ]


def _rank(metric: str) -> int:
    return FIRST.index(metric) if metric in FIRST else len(FIRST)


def _evidence(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    return ("documented", *dict.fromkeys(str(verdict.evidence) for verdict in verdicts))


def _domain(rows: Sequence[ClaimRow]) -> tuple[float, float]:
    """The range of a figure in all documents, so that their charts can be compared with each other."""
    numbers = [number for row in rows for number in (row.documented, row.found)]
    margin = max(0.005, (max(numbers) - min(numbers)) * 0.06)
    return min(numbers) - margin, max(numbers) + margin


def _chart(
    document: str, column: Column, rows: Sequence[ClaimRow], evidence: tuple[str, ...], domain: tuple[float, float]
) -> Chart:
    title = column.headline.replace("the NPU", "the Ethos-U").replace("the rules", "the Ethos-N's rules")
    spoken = f"{title}: documented in {document} against found. " + "; ".join(row.description for row in rows)
    return Chart(title, document, draw(_spec(rows, domain), spoken), evidence=evidence)


def _rows(verdicts: Sequence[Verdict]) -> list[ClaimRow]:
    """One row per model and pair of numbers; equal rows of several NPUs are one."""
    rows: dict[tuple[str, float, float], ClaimRow] = {}
    for verdict in verdicts:
        model, documented, found = verdict.case.model, float(verdict.documented), float(verdict.found)
        words = f"{amount_text(documented, 'ratio')} documented, {amount_text(found, 'ratio')} found"
        told = f"{model}: {words}, {difference_text(verdict)}, {verdict.outcome}"
        rows.setdefault(
            (model, documented, found),
            ClaimRow(model=model, documented=documented, found=found, outcome=verdict.outcome, description=told),
        )
    return list(rows.values())


def _spec(rows: Sequence[ClaimRow], domain: tuple[float, float]) -> Spec:
    share = ".0%" if domain[1] - domain[0] > 0.05 else ".1%"
    x = {"scale": {"domain": list(domain), "nice": False, "zero": False}, "axis": axis("", format=share, tickCount=4)}
    y = names("model")
    colour = category("outcome", scale={"domain": list(OUTCOMES), "range": COLOURS}, legend=None)
    return {
        "width": NARROW - LABELS - 14,
        "height": ROW_HEIGHT * len({row.model for row in rows}),
        "data": data(rows),
        "encoding": {"y": y, "color": colour, "description": DESCRIPTION},
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
