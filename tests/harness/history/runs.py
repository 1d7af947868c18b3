"""Runs for tests of the history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.records.evidence import Evidence
from core.records.failure import Failure
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.results.results_file import ResultsFile
from harness.results.stored_run import StoredRun
from tests.harness.builders import header, measurement, sample_group

IDENTITY = Identity("a" * 64, "b" * 64, "c" * 64, "u65:1", {"vela": "5.2.0"}, {"cpu": "x"}, {"recipe": "fast"})


def latency(value: float | Unavailable = 20_000.0, **changes: Any) -> Measurement:
    kept: dict[str, Any] = {"metric": "latency_us", "unit": "us", "stat": "median", "value": value}
    return measurement(**{**kept, "evidence": Evidence.HOST, "identity": IDENTITY, **changes})


def figures() -> list[Measurement]:
    """One of every kind of value."""
    return [
        measurement(identity=IDENTITY),
        latency(),
        measurement(metric="macs", unit="count", value=5_228_006_400, identity=IDENTITY),
        measurement(metric="fits", unit="bool", value=False, identity=IDENTITY, note="needs more"),
        measurement(metric="activation", unit="name", value="1.0", identity=Identity(weights="a" * 64)),
        measurement(metric="map50_95", graph="int8", value=Unavailable("no data set"), identity=IDENTITY),
    ]


def run(number: int = 1, records: list[Measurement] | None = None, **changes: Any) -> StoredRun:
    started = f"2026-01-{number:02d}T00:00:00+00:00"
    written = ResultsFile(
        schema=1,
        run=header(id=f"2026010{number}-run", started=started, finished=started, **changes),
        records=tuple(figures() if records is None else records),
        verdicts=(),
        failures=(Failure(test="t", message="m", name="t"),),
    )
    return StoredRun(written, (sample_group(latency_us=(1.0, 2.5)),), Path("/somewhere"))
