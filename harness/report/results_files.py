"""The files of a results folder that are made from its figures: a Markdown page per model, the summary, samples for others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL

from core.metrics import MISSING, metric_of
from core.records.case_key import CaseKey
from core.records.measurement import Measurement
from core.records.verdict import Verdict
from core.safe_paths import file_name
from harness.report.exports.pytest_benchmark import pytest_benchmark
from harness.report.exports.summary import summary
from harness.report.markdown import plain, row, text
from harness.report.past import past_of
from harness.report.tables import COLUMNS, RULES_COLUMNS, FigureTable, amount_text, difference_text
from harness.results.own_files import OwnFiles
from harness.results.stored_run import StoredRun
from harness.tasks.task import DataSet

FACTS = ("activation", "parameters", "checkpoint_bytes", "same_model_as")


def write_reports(run: StoredRun) -> None:
    """Write `<variant>.md` for every variant, summary.md and benchmark.json into the run's folder."""
    files = OwnFiles(run.folder)
    for variant in dict.fromkeys(record.variant for record in run.records):
        files.write(page_name(variant), variant_page(run, variant))
    for name, content in {**pytest_benchmark(run), **summary(run)}.items():
        files.write(name, content)


def page_name(variant: str) -> str:
    """The file of a model's page; one that is called like the run's own summary.md makes way for it."""
    return file_name(f"{variant}_model" if variant == "summary" else variant, ".md")


def write_report(run: StoredRun, dataset: DataSet | None, history: URL | None = None) -> Path:
    """Write report.html, with the images of `dataset` and the runs before this one in the history."""
    from harness.report.html.page import write_page  # scipy.stats and the chart library: a second that few sessions need

    output = OwnFiles(run.folder).place("report.html")
    write_page(run, output, dataset, past_of(run, history) if history else None)
    return output


def variant_page(run: StoredRun, variant: str) -> str:
    """A page on one model: what it is, its figures by case, and the verdicts on what documents say of it."""
    own = [record for record in run.records if record.variant == variant]
    table = FigureTable(own)
    parts = [f"# {text(variant)}", _facts(own), *(_case_section(table, case) for case in table.cases())]
    parts += [_rules_section(table, case) for case in table.rules_cases()]
    verdicts = [verdict for verdict in run.verdicts if verdict.variant in (variant, "all")]
    if verdicts:
        parts.append(_verdict_section(verdicts))
    parts.append(f"Run {run.header.id}, commit {run.header.commit[:12]}: `{plain(run.header.command)}`")
    return "\n\n".join(parts) + "\n"


def _facts(figures: Sequence[Measurement]) -> str:
    facts = {figure.metric: metric_of(figure.metric).text(figure) for figure in figures if figure.metric in FACTS}
    return "\n".join(f"- {metric_of(fact).title}: {text(facts[fact])}" for fact in FACTS if facts.get(fact, MISSING) != MISSING)


def _case_section(table: FigureTable, case: CaseKey) -> str:
    rows = ["| figure | value | evidence |", "|---|---|---|"]
    for column in COLUMNS:
        figure = table.at(case, column)
        if figure is None:
            continue
        value = figure.unavailable.reason if figure.unavailable else column.row.text(figure)
        note = f" ({figure.note})" if figure.note else ""
        rows.append(row(column.heading, f"{value}{note}", figure.evidence))
    build = f", {case.build}" if case.build else ""
    return f"## {text(case.profile)} on {text(table.target(case))}{text(build)}\n\n" + "\n".join(rows)


def _rules_section(table: FigureTable, case: CaseKey) -> str:
    """What a rule set says: operators, MACs and pieces together."""
    rows = ["| figure | value | evidence |", "|---|---|---|"]
    for column in RULES_COLUMNS:
        figure = table.at(case, column)
        if figure is not None:
            note = f" ({figure.note})" if figure.note else ""
            rows.append(row(column.heading, f"{column.row.text(figure)}{note}", figure.evidence))
    return f"## {text(case.profile)} by its rules: nothing ran\n\n" + "\n".join(rows)


def _verdict_section(verdicts: Sequence[Verdict]) -> str:
    rows = ["| claim | NPU | documented | found | difference | comparable | verdict |", "|---|---|---|---|---|---|---|"]
    for verdict in verdicts:
        documented, found = (amount_text(side, verdict.unit) for side in (verdict.documented, verdict.found))
        comparable = f"{verdict.comparability}: {verdict.why}"
        if verdict.provenance:
            comparable += f". Where it comes from: {verdict.provenance}"
        outcome = f"{verdict.outcome} ({verdict.caveat})" if verdict.caveat else verdict.outcome
        shown = (documented, verdict.note or found, difference_text(verdict), comparable, outcome)
        rows.append(row(verdict.name, verdict.profile, *shown))
    return "## Documented claims\n\n" + "\n".join(rows)
