"""Models side by side with the base model: each figure, and how far it is from the base model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from core.metrics import ACCURACIES, MISSING
from core.records.case_key import CaseKey
from harness.report.markdown import text
from harness.report.tables import COLUMNS, Column, FigureTable

COMPARED = tuple(column for column in COLUMNS if column.metric != "estimated_speedup_over_base")
DIFFERENT = frozenset({"estimated_us", "arena_bytes", *ACCURACIES})
"""Metrics whose difference from the base model is shown; sampled latencies have none without an interval."""


@dataclass(frozen=True)
class ModelsCompared:
    """A table of texts: `rows` by model, the base model first; `failures` says of a model why it has no row's figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    evidence: str
    failures: tuple[tuple[str, str], ...] = ()


def compare_models(
    table: FigureTable, base: str, profile: str, target: str, failures: Sequence[tuple[str, str]] = ()
) -> ModelsCompared:
    """Every model of `table` on one NPU and target beside `base`, "" when there is none."""
    cases = [case for case in table.cases() if case.place == (profile, target)]
    used = [column for column in COMPARED if any(table.at(case, column) for case in cases)]
    ordered = sorted(cases, key=lambda case: case.variant != base)
    beside = next((case for case in cases if case.variant == base), CaseKey(base, "", profile, target))
    rows = [(case.model, *(_cell(table, case, beside, column) for column in used)) for case in ordered]
    kinds = [f"{column.short}: {table.evidence(column)}" for column in used if table.evidence(column)]
    head = ("model", *(column.short for column in used))
    return ModelsCompared(
        title=f"{profile}, {target}", head=head, rows=tuple(rows), evidence="; ".join(kinds), failures=tuple(failures)
    )


def _cell(table: FigureTable, case: CaseKey, base: CaseKey, column: Column) -> str:
    own, other = table.at(case, column), table.at(base, column)
    if own is None:
        return MISSING
    shown = table.text(case, column)
    number, beside = own.number, other.number if other else None
    if case == base or column.metric not in DIFFERENT or number is None or beside is None:
        return shown
    if own.unit == "ratio":
        return f"{shown} ({number - beside:+.3f})"
    return f"{shown} ({100 * (number / beside - 1):+.0f} %)" if beside else shown


def comparison_table(found: ModelsCompared) -> Table:
    """The comparison for a terminal."""
    left: dict[str, Any] = {"title_justify": "left", "caption_justify": "left", "pad_edge": False}
    shown = Table(box=box.SIMPLE_HEAD, title=found.title, caption=found.evidence, **left)
    for position, heading in enumerate(found.head):
        shown.add_column(heading, justify="right" if position else "left", no_wrap=True)
    for row in found.rows:
        shown.add_row(*map(escape, row))
    return shown


def comparison_markdown(found: ModelsCompared) -> str:
    """The comparison as Markdown."""
    lines = [f"## {text(found.title)}", "", _line(found.head), _line(["---", *["--:"] * (len(found.head) - 1)])]
    lines += [_line([text(cell) for cell in row]) for row in found.rows]
    lines += ["", f"Evidence: {text(found.evidence)}. In brackets: difference from the base model.", ""]
    lines += [f"- {text(model)} failed: {text(why)}" for model, why in found.failures]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
