"""Records for tests: each with something to say, changed where a test needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.records.claim import Claim, Document, Statement
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from harness.claims.verdicts import Suite
from harness.results.store import RunHeader

DOCUMENT = Document("the summary", "2025-10", "Arm Ethos-N", "https://example.org")
LEVELS = ("level2_relu", "level2_leaky", "level3_relu", "level3_leaky", "level4_relu", "level4_leaky")


def measurement(**changes: Any) -> Measurement:
    found = Measurement(
        "level2_relu", "ethos-u65-256", "host", "npu_operator_share", 1.0, "ratio", Evidence.COMPILED, Identity(weights="w")
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
    found = RunHeader("20260101T000000-1", "2026-01-01T00:00:00+00:00", "c" * 40, False, "pytest benchmarks/", {}, {})
    return replace(found, **changes)
