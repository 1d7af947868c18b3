"""The files of a results folder that are made from its records: one Markdown page per model, and pytest-benchmark's JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_benchmark.stats import Stats
from sqlalchemy import URL

from core.files import write_whole
from harness.report.exports.summary import summary
from harness.report.past import past_of
from harness.report.tables import COLUMNS, MISSING, Record, RecordTable, difference_text, found_text, value_text
from harness.results.store import Results
from harness.results.stored_run import StoredRun, read_run
from harness.tasks.detect.dataset import Dataset

SECONDS = 1e-6


def write_reports(results: Results) -> None:
    """Write `<variant>.md` for every variant, summary.md and benchmark.json."""
    for variant in dict.fromkeys(record["variant"] for record in results.records):
        write_whole(results.folder / page_name(variant), variant_page(results, variant))
    write_whole(results.folder / "benchmark.json", json.dumps(benchmark_json(results), indent=1))
    for name, text in summary(read_run(results.folder, checked=False)).items():
        write_whole(results.folder / name, text)


def page_name(variant: str) -> str:
    """The file of a model's page; one that is called like the run's own summary.md makes way for it."""
    return f"{variant}_model.md" if variant == "summary" else f"{variant}.md"


def write_report(results: Results, dataset: Dataset | None, history: URL | None = None) -> Path:
    """Write report.html, with the images of `dataset` and the runs before this one in the history."""
    from harness.report.html.page import write_page  # scipy.stats and the chart library: a second that few sessions need

    run = read_run(results.folder, checked=False)
    output = results.folder / "report.html"
    write_page(run, output, dataset, past_of(run, history) if history else None)
    return output


def variant_page(results: Results, variant: str) -> str:
    """A page on one model: what it is, its figures by case, and the verdicts on what documents say of it."""
    own = [record for record in results.records if record["variant"] == variant]
    table = RecordTable(own)
    parts = [f"# {variant}", _facts(own), *(_case_section(table, case) for case in table.cases())]
    verdicts = [verdict for verdict in results.verdicts if verdict["variant"] in (variant, "all")]
    if verdicts:
        parts.append(_verdict_section(verdicts))
    parts.append(f"Run {results.header.id}, commit {results.header.commit[:12]}: `{results.header.command}`")
    return "\n\n".join(parts) + "\n"


def _facts(records: Sequence[Record]) -> str:
    facts = {record["metric"]: value_text(record, ",") for record in records}
    kinds = ("activation", "parameters", "checkpoint_bytes", "same_model_as")
    return "\n".join(f"- {kind.replace('_', ' ')}: {facts[kind]}" for kind in kinds if facts.get(kind, MISSING) != MISSING)


def _case_section(table: RecordTable, case: tuple[str, str, str]) -> str:
    rows = ["| figure | value | evidence |", "|---|---|---|"]
    for column in COLUMNS:
        record = table.find(case, column.metric, column.stat, column.graph)
        if record is None:
            continue
        value = record["unavailable"] if "unavailable" in record else value_text(record, column.form, column.scale)
        note = f" ({record['note']})" if record.get("note") else ""
        rows.append(_row(column.heading, f"{value}{note}", record["evidence"]))
    return f"## {case[1]} on {table.target(case)}\n\n" + "\n".join(rows)


def _verdict_section(verdicts: Sequence[Record]) -> str:
    rows = ["| claim | NPU | documented | found | difference | comparable | verdict |", "|---|---|---|---|---|---|---|"]
    for verdict in verdicts:
        documented, found = (found_text(verdict[side], verdict["unit"]) for side in ("documented", "found"))
        comparable = f"{verdict['comparability']}: {verdict['why']}"
        shown = (documented, verdict["note"] or found, difference_text(verdict), comparable, verdict["outcome"])
        rows.append(_row(verdict["claim"], verdict["profile"], *shown))
    return "## Documented claims\n\n" + "\n".join(rows)


def _row(*cells: str) -> str:
    """A row of a Markdown table; what would end a cell or a line is written so that it does not."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def benchmark_json(results: Results | StoredRun) -> dict[str, Any]:
    """The samples in pytest-benchmark's format, so that its `compare` and others' dashboards read them; seconds there."""
    header = results.header if isinstance(results, StoredRun) else asdict(results.header)
    return {
        "machine_info": header["host"],
        "commit_info": {"id": header["commit"], "dirty": header["dirty"]},
        "benchmarks": [_benchmark(group) for group in results.samples],
        "datetime": header["started"],
        "version": header["versions"].get("pytest-benchmark", ""),
    }


def pytest_benchmark(run: StoredRun) -> dict[str, str]:
    """`benchmark.json` of a stored run."""
    return {"benchmark.json": json.dumps(benchmark_json(run), indent=1) + "\n"}


def _benchmark(group: Record) -> dict[str, Any]:
    stats: Any = Stats()  # type: ignore[no-untyped-call]  # pytest-benchmark has no types
    for sample in group["latency_us"]:
        stats.update(sample * SECONDS)
    case = f"{group['variant']}-{group['profile']}-{group['target']}"
    return {
        "group": group["target"],
        "name": f"test_latency[{case}]",
        "fullname": f"benchmarks/test_latency.py::test_latency[{case}]",
        "params": {"case": case},
        "param": case,
        "extra_info": {"executed": group["executed"]},
        "options": {},
        "stats": {**stats.as_dict(), "data": stats.data, "iterations": 1},
    }
