"""Models side by side with the base model: each figure, and how far it is from the base model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from harness.report.exports.summary import text
from harness.report.tables import COLUMNS, MISSING, Column, RecordTable, value_text

SHOWN = tuple(column for column in COLUMNS if column.metric != "estimated_speedup_over_base")
DIFFERENT = frozenset({"estimated_us", "arena_bytes", "map50_95"})
"""Metrics whose difference from the base model is shown; sampled latencies have none without an interval."""
RELATIVE = frozenset({"estimated_us", "arena_bytes"})


@dataclass(frozen=True)
class Comparison:
    """A table of texts: `rows` by model, the base model first; `failures` says of a model why it has no row's figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    evidence: str
    failures: tuple[tuple[str, str], ...] = ()


def compare_models(
    table: RecordTable, base: str, profile: str, target: str, failures: Sequence[tuple[str, str]] = ()
) -> Comparison:
    """Every model of `table` on one NPU and target beside `base`, "" when there is none."""
    cases = [case for case in table.cases() if case[1:] == (profile, target)]
    used = [column for column in SHOWN if any(table.find(case, column.metric, column.stat, column.graph) for case in cases)]
    ordered = sorted(cases, key=lambda case: case[0] != base)
    rows = [(case[0], *(_cell(table, case, (base, profile, target), column) for column in used)) for case in ordered]
    kinds = [f"{column.short}: {table.evidence(column)}" for column in used if table.evidence(column)]
    head = ("model", *(column.short for column in used))
    return Comparison(f"{profile}, {target}", head, tuple(rows), "; ".join(kinds), tuple(failures))


def _cell(table: RecordTable, case: tuple[str, str, str], base: tuple[str, str, str], column: Column) -> str:
    own = table.find(case, column.metric, column.stat, column.graph)
    if own is None:
        return MISSING
    shown = value_text(own, column.form, column.scale)
    other = table.find(base, column.metric, column.stat, column.graph)
    if case == base or column.metric not in DIFFERENT or other is None or "value" not in other or "value" not in own:
        return shown
    if column.metric not in RELATIVE:
        return f"{shown} ({own['value'] - other['value']:+.3f})"
    return f"{shown} ({100 * (own['value'] / other['value'] - 1):+.0f} %)" if other["value"] else shown


def comparison_table(found: Comparison) -> Table:
    """The comparison for a terminal."""
    left: dict[str, Any] = {"title_justify": "left", "caption_justify": "left", "pad_edge": False}
    shown = Table(box=box.SIMPLE_HEAD, title=found.title, caption=found.evidence, **left)
    for position, heading in enumerate(found.head):
        shown.add_column(heading, justify="right" if position else "left", no_wrap=True)
    for row in found.rows:
        shown.add_row(*map(escape, row))
    return shown


def comparison_markdown(found: Comparison) -> str:
    """The comparison as Markdown."""
    lines = [f"## {text(found.title)}", "", _line(found.head), _line(["---", *["--:"] * (len(found.head) - 1)])]
    lines += [_line([text(cell) for cell in row]) for row in found.rows]
    lines += ["", f"Evidence: {text(found.evidence)}. In brackets: difference from the base model.", ""]
    lines += [f"- {text(model)} failed: {text(why)}" for model, why in found.failures]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
