"""The samples in pytest-benchmark's format, so that its `compare` and others' dashboards read them; seconds there."""

from __future__ import annotations

import json
from typing import Any

from pytest_benchmark.stats import Stats

from core.records.sample_group import SampleGroup
from harness.results.stored_run import StoredRun

SECONDS = 1e-6
NAME = "benchmark.json"


def pytest_benchmark(run: StoredRun) -> dict[str, str]:
    """`benchmark.json`."""
    header = run.header
    content = {
        "machine_info": header.host,
        "commit_info": {"id": header.commit, "dirty": header.dirty},
        "benchmarks": [_benchmark(group) for group in run.samples],
        "datetime": header.started,
        "version": header.versions.get("pytest-benchmark", ""),
    }
    return {NAME: json.dumps(content, indent=1) + "\n"}


def _benchmark(group: SampleGroup) -> dict[str, Any]:
    stats: Any = Stats()  # type: ignore[no-untyped-call]  # pytest-benchmark has no types
    for sample in group.latency_us:
        stats.update(sample * SECONDS)
    case = str(group.case)
    return {
        "group": group.target,
        "name": f"test_latency[{case}]",
        "fullname": f"benchmarks/test_latency.py::test_latency[{case}]",
        "params": {"case": case},
        "param": case,
        "extra_info": {"executed": group.executed},
        "options": {},
        "stats": {**stats.as_dict(), "data": stats.data, "iterations": 1},
    }
