"""JSON for github-action-benchmark: one file of figures that should be small, one of those that should be large."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.report.tables import Record
from harness.results.stored_run import StoredRun

SMALLER = frozenset(
    {"latency_us", "estimated_us", "npu_cycles", "arena_bytes", "flash_bytes", "map50_95_drop", "operators_cpu"}
)
BIGGER = frozenset({"map50", "map50_95", "npu_operator_share", "npu_mac_share", "npu_executed_share", "npu_time_share"})
STATS = frozenset({"", "median", "p95"})
UNITS = {"us": "us", "bytes": "bytes", "ratio": "ratio", "count": "operators", "cycles": "cycles"}


def action_benchmark(run: StoredRun) -> dict[str, str]:
    """Files for its tools `customSmallerIsBetter` and `customBiggerIsBetter`; figures without a value are left out there."""
    return {
        "smaller-is-better.json": _text(run, SMALLER),
        "bigger-is-better.json": _text(run, BIGGER),
    }


def _text(run: StoredRun, metrics: frozenset[str]) -> str:
    chosen = [record for record in run.records if record["metric"] in metrics and record.get("stat", "") in STATS]
    return json.dumps([_entry(run, record) for record in chosen if _is_number(record)], indent=1) + "\n"


def _is_number(record: Record) -> bool:
    value = record.get("value")
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _entry(run: StoredRun, record: Record) -> dict[str, object]:
    """The evidence is part of the name, so that an estimate is never drawn on the line of a measurement."""
    case = "-".join(record[part] for part in ("variant", "profile", "target"))
    metric = " ".join(_parts(record))
    extra = f"evidence: {record['evidence']}\nrun: {run.id}\n{record.get('note', '')}".strip()
    value = record["value"]
    return {"name": f"{case} {metric} @ {record['evidence']}", "unit": UNITS[record["unit"]], "value": value, "extra": extra}


def _parts(record: Record) -> Sequence[str]:
    return [record[part] for part in ("metric", "stat", "graph") if record.get(part)]
