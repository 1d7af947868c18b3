"""What a person reads at the end of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from core.metrics import ACCURACIES, BY_NAME, MISSING, Step
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.verdict import Verdict
from harness.report.front_ends import front_end_rows, front_end_table
from harness.report.safe_console import SafeConsole
from harness.report.tables import COLUMNS, RULES_COLUMNS, Column, FigureTable, amount_text, difference_text, outcome_counts
from harness.results.stored_run import StoredRun

COLOURS = {"confirmed": "green", "exceeded": "cyan", "fell short": "yellow", "refuted": "red"}
NARROWEST = 132
"""Columns of text; a log has no width of its own, and a table squeezed into 80 columns cannot be read."""
WIDEST = 1000
SIZE = "image_size"
LEFT: dict[str, Any] = {"title_justify": "left", "caption_justify": "left", "pad_edge": False, "padding": (0, 1, 0, 0)}


def print_summary(run: StoredRun, reporter: Any) -> None:
    """Write the table of models, the findings and the verdicts below pytest's own output."""
    table = FigureTable(run.records)
    models = model_table(table, run.verdicts)
    rows = front_end_rows(run, table)
    widths = [SafeConsole(width=WIDEST).measure(one).maximum for one in (models, *([front_end_table(rows)] if rows else []))]
    width = max(reporter._tw.fullwidth, NARROWEST, *widths)
    console = SafeConsole(force_terminal=reporter.hasmarkup, no_color=not reporter.hasmarkup, width=width)
    with console.capture() as captured:
        console.print()
        console.print(models)
        if rows:
            console.print(front_end_table(rows))
        if table.rules_cases():
            console.print(rules_table(table))
        for line in findings(table):
            console.print(line, highlight=False, markup=False)
        if run.verdicts:
            console.print(verdict_table(run.verdicts))
    reporter.write(captured.get())
    reporter.write_line(f"results: {run.folder}")


def print_stage(run: StoredRun, reporter: Any, title: str, steps: Collection[Step]) -> None:
    """Write what a stage of the run has found of each model, below pytest's own output."""
    table = FigureTable([record for record in run.records if BY_NAME[record.metric].step in steps])
    shown = model_table(table, None, "")
    width = max(reporter._tw.fullwidth, SafeConsole(width=WIDEST).measure(shown).maximum)
    console = SafeConsole(force_terminal=reporter.hasmarkup, no_color=not reporter.hasmarkup, width=width)
    with console.capture() as captured:
        console.print(title, style="italic", highlight=False, markup=False)
        console.print(shown)
    reporter.write(captured.get())


def model_table(table: FigureTable, verdicts: Sequence[Verdict] | None, title: str = "Models") -> Table:
    """Models x figures; targets whose figures complete each other share a row. The caption names every column's evidence.

    Without verdicts there is no column of them.
    """
    used = _used_columns(table)
    shown = Table(box=box.SIMPLE_HEAD, title=title or None, caption=_evidence(table, used), **LEFT)
    for heading in ("model", "NPU", "target"):
        shown.add_column(heading, no_wrap=True)
    for column in used:
        shown.add_column(column.short, justify="right", no_wrap=True)
    if verdicts is not None:
        shown.add_column("claims met", justify="right", no_wrap=True)
    for row in shared_rows(table, used):
        own = {verdict.claim: verdict for verdict in verdicts or () if verdict.case in row}
        targets = ", ".join(table.target(case) for case in row)
        cells = (_cell(table, row, column) for column in used)
        where = (escape(row[0].model), short_profile(row[0].profile), escape(targets))
        shown.add_row(*where, *cells, *([] if verdicts is None else [outcome_counts(list(own.values()))]))
    return shown


def _used_columns(table: FigureTable) -> list[Column]:
    """The columns in which some case has a value; the image size only where not all have the same."""
    cases = table.cases()
    texts = {column: {table.text(case, column) for case in cases} for column in COLUMNS}
    return [column for column in COLUMNS if texts[column] - {MISSING} and (column.metric != SIZE or len(texts[column]) > 1)]


def rules_table(table: FigureTable) -> Table:
    """Models x what a rule set says of them: operators, MACs and pieces side by side."""
    shown = Table(box=box.SIMPLE_HEAD, title="By published rules of the hardware: nothing ran", **LEFT)
    for heading in ("model", "rules"):
        shown.add_column(heading, no_wrap=True)
    for column in RULES_COLUMNS:
        shown.add_column(column.short, justify="right", no_wrap=True)
    shown.add_column("taken; refused", overflow="fold")
    for case in table.rules_cases():
        operators = table.find(case, "rules_operator_share")
        cells = (table.text(case, column) for column in RULES_COLUMNS)
        shown.add_row(escape(case.model), short_profile(case.profile), *cells, escape(operators.note if operators else ""))
    return shown


def shared_rows(table: FigureTable, columns: Sequence[Column]) -> list[list[CaseKey]]:
    """The cases of each row: those of one model and profile in which no column has two figures."""
    rows: list[list[CaseKey]] = []
    for case in table.cases():
        for row in rows:
            same = (row[0].model, row[0].profile) == (case.model, case.profile)
            if same and all(_agree(table, row, case, column) for column in columns):
                row.append(case)
                break
        else:
            rows.append([case])
    return rows


def _agree(table: FigureTable, row: Sequence[CaseKey], case: CaseKey, column: Column) -> bool:
    return len({MISSING, _cell(table, row, column), table.text(case, column)}) < 3


def _cell(table: FigureTable, row: Sequence[CaseKey], column: Column) -> str:
    """The figure that one of the cases of a row has."""
    return next((text for case in row if (text := table.text(case, column)) != MISSING), MISSING)


def _evidence(table: FigureTable, columns: Sequence[Column]) -> str:
    """Which columns are of which evidence: "compiled: ops %, MACs %, ...; host: ms"."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        kinds.setdefault(table.evidence(column), []).append(column.short)
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if kind)


def findings(table: FigureTable) -> list[str]:
    """Sentences that a table cannot hold: equal models, models that do not fit, why a figure is missing."""
    lines: dict[str, None] = {}
    for case in table.cases():
        for line in _findings(table, case):
            lines[line] = None
    return list(lines)


def _findings(table: FigureTable, case: CaseKey) -> Iterator[str]:
    twin, fits = table.find(case, "same_model_as"), table.find(case, "fits")
    if twin and twin.unavailable is None and twin.value != "none":
        yield f"{case.model} is {twin.value}: same graph, same weights"
    if fits and fits.value is False:
        yield f"{case.model} does not fit {case.profile}: {fits.note}"
    found = table.find(case, "findings")
    if found and found.note:
        yield f"{case.model}: {found.note}"
    asked = [figure for metric in ACCURACIES if (figure := table.find(case, metric, graph="int8"))]
    if asked and (why := _why(asked[0])):
        yield f"{case.model}: no accuracy: {why}"
    if why := _why(table.find(case, "latency_us", stat="median")):
        yield f"{case.target}: no latency: {why}"
    exact = table.find(case, "bit_exact")
    if exact and exact.evidence is not Evidence.HOST and (why := _why(exact)):
        yield f"{case.model} on {case.target}: bytes not compared: {why}"


def _why(figure: Measurement | None) -> str:
    """Why a figure is missing; "" for one that is there, and for a model that was not run because it does not fit."""
    reason = figure.unavailable if figure else None
    return "" if reason is None or reason.kind == "shortfall" else reason.reason


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Claims held against figures, both numbers shown; equal rows of several profiles share one line."""
    shown = Table(box=box.SIMPLE_HEAD, title="Verdicts on documented claims", **LEFT)
    shown.add_column("claim", no_wrap=True)
    shown.add_column("NPU", overflow="fold")
    for heading in ("documented", "found", "difference", "evidence", "comparable"):
        shown.add_column(heading, overflow="fold")
    shown.add_column("verdict", no_wrap=True, min_width=len("not comparable"))
    every = list(dict.fromkeys(verdict.profile for verdict in verdicts if not verdict.case.of_rules))
    for row, profiles in merged(verdicts).items():
        colour = COLOURS.get(row[-1], "white")
        where = "all" if profiles == every and len(every) > 1 else ", ".join(map(short_profile, profiles))
        shown.add_row(escape(row[0].replace("~", "\n~")), where, *map(escape, row[1:-1]), f"[{colour}]{row[-1]}[/{colour}]")
    return shown


def short_profile(name: str) -> str:
    """A profile's name without the family's: "u65-256"."""
    return name.removeprefix("ethos-")


def merged(verdicts: Sequence[Verdict]) -> dict[tuple[str, ...], list[str]]:
    """Verdict rows -> the profiles they hold for, in the order of the run; each build has rows of its own."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for verdict in verdicts:
        row = (
            verdict.name,
            amount_text(verdict.documented, verdict.unit),
            verdict.note or amount_text(verdict.found, verdict.unit),
            difference_text(verdict),
            str(verdict.evidence),
            verdict.comparability,
            verdict.outcome,
        )
        profiles = rows.setdefault(row, [])
        if verdict.profile not in profiles:  # several targets may share a row, too
            profiles.append(verdict.profile)
    return rows
