"""JSON for github-action-benchmark: one file of figures that should be small, one of those that should be large."""

from __future__ import annotations

import json

from core.metrics import BY_NAME, Better
from core.records.measurement import Measurement
from harness.results.stored_run import StoredRun

TRACKED = (
    "latency_us", "estimated_us", "npu_cycles", "arena_bytes", "flash_bytes", "map50_95_drop", "operators_cpu", "map50",
    "map50_95", "top1", "top1_drop", "auc", "auc_drop", "npu_operator_share", "npu_mac_share", "npu_executed_share",
    "npu_time_share",
)  # fmt: skip
"""What is drawn over time; which way each is better says its row."""
STATS = frozenset({"", "median", "p95", "vela", "open"})
UNITS = {"us": "us", "bytes": "bytes", "ratio": "ratio", "count": "operators", "cycles": "cycles"}


def action_benchmark(run: StoredRun) -> dict[str, str]:
    """Files for its tools `customSmallerIsBetter` and `customBiggerIsBetter`; figures without a value are left out there."""
    return {"smaller-is-better.json": _text(run, "lower"), "bigger-is-better.json": _text(run, "higher")}


def _text(run: StoredRun, better: Better) -> str:
    metrics = {name for name in TRACKED if BY_NAME[name].better == better}
    chosen = [figure for figure in run.records if figure.metric in metrics and figure.stat in STATS]
    return json.dumps([_entry(run, figure) for figure in chosen if figure.number is not None], indent=1) + "\n"


def _entry(run: StoredRun, figure: Measurement) -> dict[str, object]:
    """The evidence is part of the name, so that an estimate is never drawn on the line of a measurement."""
    metric = " ".join(filter(None, (figure.metric, BY_NAME[figure.metric].named(figure.stat), figure.graph)))
    extra = f"evidence: {figure.evidence}\nrun: {run.id}\n{figure.note}".strip()
    name = f"{figure.case} {metric} @ {figure.evidence}"
    return {"name": name, "unit": UNITS[figure.unit], "value": figure.number, "extra": extra}
