"""Results folders for tests: small runs with everything a report shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.records.evidence import Evidence
from core.records.failure import Failure
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.operator_cycles import ModelCycles, OperatorCycles
from core.records.placement import PlacedOperator, Placement, Where
from core.records.unavailable import Unavailable
from harness.claims.verdicts import judge
from harness.report.results_files import write_reports
from harness.results.findings import Findings
from harness.results.store import Results
from harness.results.stored_run import StoredRun, read_run
from tests.harness.builders import claim, header, measurement, sample_group

CLASSES = ("Stop", "Speed Limit 50")
PLACES: tuple[Where, ...] = ("fused", "executed", "executed", "elided", "cpu")


def placed(name: str = "conv") -> Placement:
    """Five operators, one of them on the CPU."""
    return Placement(tuple(_operator(i, name, where) for i, where in enumerate(PLACES)), crossings=1)


def _operator(i: int, name: str, where: Where) -> PlacedOperator:
    reason = "an odd stride" if where == "cpu" else ""
    operator = PlacedOperator(i, "CONV_2D", f"net/{name};{i}", where, 100 * i, 1000 * i, reason)
    return replace(operator, compute_cycles=700 * i, staging_bytes=2**18)


def records_of(
    variant: str, *, executed: float | None = None, fits: bool = True, profile: str = "ethos-u65-256", factor: float = 1.0
) -> list[Measurement]:
    """The records of one model; `executed` is what the run proves of NPU execution."""
    proof = Unavailable("the host CPU has no NPU") if executed is None else executed
    evidence = Evidence.HOST if executed is None else Evidence.SIMULATED_FVP
    identity = Identity(weights="a" * 64, tflite="b" * 64, profile=profile, tools={"vela": "5.2.0"})
    rows: list[tuple[str, Any, str, Evidence, dict[str, str]]] = [
        ("same_model_as", "none", "name", Evidence.COMPILED, {}),
        ("npu_operator_share", 0.8, "ratio", Evidence.COMPILED, {}),
        ("npu_mac_share", 1.0, "ratio", Evidence.COMPILED, {}),
        ("estimated_us", 45_000.0 * factor, "us", Evidence.ESTIMATED, {}),
        ("arena_bytes", 400_000, "bytes", Evidence.COMPILED, {}),
        ("memory_bytes", 400_000, "bytes", Evidence.COMPILED, {"stat": "sram"}),
        ("memory_budget_bytes", 500_000, "bytes", Evidence.DOCUMENTED, {"stat": "sram", "note": "a data sheet"}),
        (
            "fits",
            fits,
            "bool",
            Evidence.COMPILED,
            {} if fits else {"note": "needs 3.00 MiB of sram, the platform has 2.00 MiB"},
        ),
        ("npu_executed_share", proof, "ratio", evidence, {}),
        ("bit_exact", True, "bool", evidence, {}),
        *(("latency_us", 5_000.0 * factor, "us", Evidence.HOST, {"stat": stat}) for stat in ("median", "p95", "min", "mean")),
        *(("map50_95", 0.7 - drop, "ratio", Evidence.HOST, {"graph": g}) for g, drop in (("float", 0.0), ("int8", 0.01))),
        *(
            ("map50_95_drop", drop, "ratio", Evidence.HOST, {"graph": "int8", "stat": stat})
            for stat, drop in (("", 0.008), ("low", 0.002), ("high", 0.01))
        ),
        *(("class_map50_95", 0.5, "ratio", Evidence.HOST, {"graph": "int8", "stat": name}) for name in CLASSES),
    ]
    case = {"variant": variant, "profile": profile, "identity": identity}
    return [
        measurement(**case, metric=metric, value=value, unit=unit, evidence=kind, **more)
        for metric, value, unit, kind, more in rows
    ]


def cycles() -> ModelCycles:
    """What our cycle model says of the five operators: one bound by its MACs, one by reading."""
    bounds = {1: "compute", 2: "read_bandwidth"}
    rows = tuple(
        OperatorCycles(index=i, cycles=2500.0 * i, bound=bound, causes={bound: 2500.0 * i}, read_beats=9, write_beats=4)
        for i, bound in bounds.items()
    )
    return ModelCycles(
        active_cycles=7500, low=7000, high=9000, memory="mlek:1", trust="mean error 3.0%", other_cycles=0.0, operators=rows
    )


def _operators(variant: str, profile: str, operator: str) -> dict[str, str]:
    return {
        f"placement/{variant}-{profile}.json": json.dumps(placed(operator).to_json()),
        f"cycles/{variant}-{profile}.json": json.dumps(cycles().to_json()),
    }


def write_run(
    folder: Path,
    variants: Sequence[str] = ("level2_relu", "level3_relu"),
    failures: Sequence[tuple[str, str]] = (),
    operator: str = "conv",
    run: dict[str, Any] | None = None,
    **changes: Any,
) -> StoredRun:
    """A results folder as a run writes it, read back; `changes` go to the records."""
    results = Results(folder, header(**(run or {})))
    for position, variant in enumerate(variants):
        records = records_of(variant, **changes)
        own = claim(id=f"summary-{variant}", variant=variant)
        profile = records[0].profile
        latencies = tuple(5000.0 + 10 * ((i * 7) % 20) for i in range(20))
        samples = [sample_group(variant=variant, profile=profile, executed=f"{position}" * 64, latency_us=latencies)]
        texts = _operators(variant, profile, operator) if "/" not in variant else {}
        results.add(Findings(records, [judge(own, records)], samples, texts=texts))
    for test, message in failures:
        results.fail(Failure(test=test, message=message))
    write_reports(results.run())
    return read_run(folder)
