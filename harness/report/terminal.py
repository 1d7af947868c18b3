"""What a person reads at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.report.tables import COLUMNS, MISSING, Column, Record, RecordTable, difference_text, found_text, outcome_counts
from harness.results.store import Results

COLOURS = {"confirmed": "green", "exceeded": "cyan", "fell short": "yellow", "refuted": "red"}
NARROWEST = 132
"""Columns of text; a log has no width of its own, and a table squeezed into 80 columns cannot be read."""
WIDEST = 1000
PIXELS = "px"
Case = tuple[str, str, str]
LEFT: dict[str, Any] = {"title_justify": "left", "caption_justify": "left", "pad_edge": False, "padding": (0, 1, 0, 0)}


def print_summary(results: Results, reporter: Any) -> None:
    """Write the table of models, the findings and the verdicts below pytest's own output."""
    table = RecordTable(results.records)
    models = model_table(table, results.verdicts)
    width = max(reporter._tw.fullwidth, NARROWEST, Console(width=WIDEST).measure(models).maximum)
    console = Console(force_terminal=reporter.hasmarkup, no_color=not reporter.hasmarkup, width=width)
    with console.capture() as captured:
        console.print()
        console.print(models)
        for line in findings(table):
            console.print(line, highlight=False, markup=False)
        if results.verdicts:
            console.print(verdict_table(results.verdicts))
    reporter.write(captured.get())
    reporter.write_line(f"results: {results.folder}")


def model_table(table: RecordTable, verdicts: Sequence[Record]) -> Table:
    """Models x figures; targets whose figures complete each other share a row. The caption names every column's evidence."""
    cases = table.cases()
    used = [column for column in COLUMNS if any(table.text(c, column) != MISSING for c in cases)]
    sizes = {table.text(case, column) for case in cases for column in used if column.short == PIXELS}
    if len(sizes) == 1:
        used = [column for column in used if column.short != PIXELS]
    shown = Table(box=box.SIMPLE_HEAD, title="Models", caption=_evidence(table, used), **LEFT)
    for heading in ("model", "NPU", "target"):
        shown.add_column(heading, no_wrap=True)
    for column in used:
        shown.add_column(column.short, justify="right", no_wrap=True)
    shown.add_column("claims met", justify="right", no_wrap=True)
    for row in shared_rows(table, used):
        own = {v["claim"]: v for case in row for v in verdicts if (v["variant"], v["profile"], v["target"]) == case}
        targets = ", ".join(table.target(case) for case in row)
        cells = (_cell(table, row, column) for column in used)
        shown.add_row(escape(row[0][0]), short_profile(row[0][1]), escape(targets), *cells, outcome_counts(list(own.values())))
    return shown


def shared_rows(table: RecordTable, columns: Sequence[Column]) -> list[list[Case]]:
    """The cases of each row: those of one model and profile in which no column has two figures."""
    rows: list[list[Case]] = []
    for case in table.cases():
        for row in rows:
            if row[0][:2] == case[:2] and all(_agree(table, row, case, column) for column in columns):
                row.append(case)
                break
        else:
            rows.append([case])
    return rows


def _agree(table: RecordTable, row: Sequence[Case], case: Case, column: Column) -> bool:
    return len({MISSING, _cell(table, row, column), table.text(case, column)}) < 3


def _cell(table: RecordTable, row: Sequence[Case], column: Column) -> str:
    """The figure that one of the cases of a row has."""
    return next((text for case in row if (text := table.text(case, column)) != MISSING), MISSING)


def _evidence(table: RecordTable, columns: Sequence[Column]) -> str:
    """Which columns are of which evidence: "compiled: ops %, MACs %, ...; host: ms"."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        kinds.setdefault(table.evidence(column), []).append(column.short)
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if kind)


def findings(table: RecordTable) -> list[str]:
    """Sentences that a table cannot hold: equal models, models that do not fit, why a figure is missing."""
    lines: dict[str, None] = {}
    for case in table.cases():
        twin = table.find(case, "same_model_as")
        if twin and twin.get("value", "none") != "none":
            lines[f"{case[0]} is {twin['value']}: same graph, same weights"] = None
        fits = table.find(case, "fits")
        if fits and fits.get("value") is False:
            lines[f"{case[0]} does not fit {case[1]}: {fits.get('note', '')}"] = None
        accuracy = table.find(case, "map50_95", graph="int8")
        if accuracy and "unavailable" in accuracy:
            lines[f"{case[0]}: no accuracy: {accuracy['unavailable']}"] = None
        latency = table.find(case, "latency_us", stat="median")
        if latency and "unavailable" in latency and not _is_misfit(latency):
            lines[f"{case[2]}: no latency: {latency['unavailable']}"] = None
        exact = table.find(case, "bit_exact")
        if exact and "unavailable" in exact and exact["evidence"] != "host" and not _is_misfit(exact):
            lines[f"{case[0]} on {case[2]}: bytes not compared: {exact['unavailable']}"] = None
    return list(lines)


def _is_misfit(record: Record) -> bool:
    """Whether a figure is missing because the model was not run where it does not fit, which has a line of its own."""
    return str(record["unavailable"]).startswith("does not fit")


def verdict_table(verdicts: Sequence[Record]) -> Table:
    """Claims held against figures, both numbers shown; equal rows of several profiles share one line."""
    shown = Table(box=box.SIMPLE_HEAD, title="Verdicts on documented claims", **LEFT)
    shown.add_column("claim", no_wrap=True)
    for heading in ("NPU", "documented", "found", "difference", "evidence", "comparable", "verdict"):
        shown.add_column(heading, overflow="fold")
    every = list(dict.fromkeys(verdict["profile"] for verdict in verdicts))
    for row, profiles in merged(verdicts).items():
        colour = COLOURS.get(row[-1], "white")
        where = "all" if profiles == every and len(every) > 1 else ", ".join(map(short_profile, profiles))
        shown.add_row(escape(row[0]), where, *map(escape, row[1:-1]), f"[{colour}]{row[-1]}[/{colour}]")
    return shown


def short_profile(name: str) -> str:
    """A profile's name without the family's: "u65-256"."""
    return name.removeprefix("ethos-")


def merged(verdicts: Sequence[Record]) -> dict[tuple[str, ...], list[str]]:
    """Verdict rows -> the profiles they hold for, in the order of the run."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for verdict in verdicts:
        row = (
            verdict["claim"],
            found_text(verdict["documented"], verdict["unit"]),
            verdict["note"] or found_text(verdict["found"], verdict["unit"]),
            difference_text(verdict),
            verdict["evidence"],
            verdict["comparability"],
            verdict["outcome"],
        )
        profiles = rows.setdefault(row, [])
        if verdict["profile"] not in profiles:  # several targets may share a row, too
            profiles.append(verdict["profile"])
    return rows
