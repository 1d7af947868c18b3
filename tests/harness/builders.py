"""Records for tests: each with something to say, changed where a test needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from core.records.claim import Claim, Document, Statement
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.sample_group import SampleGroup
from harness.claims.verdicts import Suite
from harness.results.results_file import RunHeader
from harness.results.stored_run import StoredRun

DOCUMENT = Document("the summary", "2025-10", "Arm Ethos-N", "https://example.org")
LEVELS = ("level2_relu", "level2_leaky", "level3_relu", "level3_leaky", "level4_relu", "level4_leaky")


def measurement(**changes: Any) -> Measurement:
    found = Measurement(
        variant="level2_relu",
        profile="ethos-u65-256",
        target="host",
        metric="npu_operator_share",
        value=1.0,
        unit="ratio",
        evidence=Evidence.COMPILED,
        identity=Identity(weights="a" * 64),
    )
    return replace(found, **changes)


def claim(**changes: Any) -> Claim:
    found = Claim(
        id="summary-level2_relu",
        variant="level2_relu",
        metric="npu_operator_share",
        value=0.85,
        unit="ratio",
        tolerance=0.005,
        counts="not said",
        comparability="proxy",
        why="another NPU",
        document=DOCUMENT,
    )
    return replace(found, **changes)


def statement(rule: str, **changes: Any) -> Statement:
    return replace(Statement("a-statement", "what it says", rule, "same", "because", DOCUMENT), **changes)


def suite(**changes: Any) -> Suite:
    """Seven models whose shares are all 1, and whose weights all differ."""
    names = ("base_silu", *LEVELS)
    found = Suite(
        profile="ethos-u65-256",
        target="host",
        shares=dict.fromkeys(names, 1.0),
        memory_bytes=dict.fromkeys(names, 5_000_000),
        weights={name: name for name in names},
        failures={},
    )
    return replace(found, **changes)


def header(**changes: Any) -> RunHeader:
    found = RunHeader(
        id="20260101T000000-1",
        started="2026-01-01T00:00:00+00:00",
        commit="c" * 40,
        dirty=False,
        command="pytest benchmarks/",
        host={},
        versions={},
    )
    return replace(found, **changes)


def sample_group(**changes: Any) -> SampleGroup:
    found = SampleGroup(variant="v", profile="p", target="host", executed="e" * 64, latency_us=(1.0, 2.0))
    return replace(found, **changes)


def with_records(run: StoredRun, records: Iterable[Measurement]) -> StoredRun:
    """The run with other figures."""
    return replace(run, written=replace(run.written, records=tuple(records)))


def revised(run: StoredRun, change: Callable[[Measurement], Measurement]) -> StoredRun:
    """The run with every figure as `change` makes it."""
    return with_records(run, map(change, run.records))
