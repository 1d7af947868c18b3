"""The estimates of every model on every NPU, from conversions of real checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.progress import on_stderr
from core.records.unavailable import Unavailable
from ethosu_simulator.timing import stated_errors
from harness.workbench.estimate_figures import HIGH, LOW, OPEN, VELA, whole_times
from harness.workbench.options import BenchOptions
from harness.workbench.workbench import Workbench

BASE = "base_silu"
LEVELS = ("level2_relu", "level2_leaky", "level3_relu", "level3_leaky")
"""Level 4's files are level 3's: the same weights under another name."""
PROFILES = (
    "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512", "ethos-u85-256", "ethos-u85-512", "ethos-u85-1024",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """One model on one NPU, milliseconds; `error` is the largest stated one, 0 where our estimate is not validated."""

    model: str
    profile: str
    vela: float
    ours: float
    low: float
    high: float
    error: float
    trust: str
    fits: bool
    image_size: int


def estimates(checkpoints: Path, data: Path | None) -> list[Estimated]:
    """Every model on every NPU; errors of conversions pass through."""
    options = BenchOptions(
        profiles=PROFILES, targets=("host",), variants=(BASE, *LEVELS), checkpoints=checkpoints, data=data, image_size=640
    )
    bench = Workbench(options, on_stderr)
    try:
        return [_estimated(bench, model, profile) for model in (BASE, *LEVELS) for profile in PROFILES]
    finally:
        bench.close()


def _estimated(bench: Workbench, model: str, profile: str) -> Estimated:
    case = bench.case(model, profile, "host")
    artefact, estimation = bench.conversions.artefact(case), bench.estimates.of(case)
    times = {}
    for stat, time in whole_times(artefact.compilation, estimation).items():
        if isinstance(time, Unavailable):
            raise SystemExit(f"{model} on {profile}: {time.reason}")
        times[stat] = time / 1e3
    found = estimation.found
    assert not isinstance(found, Unavailable)
    stated = stated_errors().get(found.npu, {}).get(found.memory, {}) if found.validated else {}
    return Estimated(
        model=model,
        profile=profile,
        vela=times[VELA],
        ours=times[OPEN],
        low=times[LOW],
        high=times[HIGH],
        error=stated.get("largest", 0.0),
        trust=found.trust,
        fits=not bench.conversions.shortfalls(case),
        image_size=artefact.image_size,
    )
