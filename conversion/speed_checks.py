"""What-ifs of speed that a compiler can be asked: the model compiled again with one thing changed, and estimated again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from conversion.estimates import estimated
from conversion.speed_findings import READING
from conversion.vela import compile_model
from conversion.vela_options import INSTALLED, VelaOptions
from core.errors import EthosBenchError
from core.records.artefact import Compilation
from core.records.operator_cycles import SpeedFinding
from core.records.unavailable import Unavailable

STAGED_MODE = "Dedicated_Sram"
WORTH = 0.1
"""Of the active cycles: below this much waiting for memory nothing is tried."""


@dataclass(frozen=True, kw_only=True)
class SpeedCheck:
    """A change that was tried, in words, with our estimate before and after in microseconds; `problem`: no answer, and why."""

    text: str
    ours_us_before: float
    ours_us_after: float
    vela_us_before: float
    vela_us_after: float
    problem: str = ""


def speed_checks(
    model: Path, compilation: Compilation, findings: tuple[SpeedFinding, ...], vela: VelaOptions = INSTALLED
) -> tuple[SpeedCheck, ...]:
    """What twice the staging memory would give, where operators wait for a memory behind one; nothing elsewhere.

    Everything else that a finding names needs the model's source: then there is nothing to compile.
    """
    before = estimated(compilation).found
    staging = compilation.profile.budget.get("sram")
    if isinstance(before, Unavailable) or not compilation.profile.memory_mode.startswith(STAGED_MODE) or staging is None:
        return ()
    waiting = sum(finding.beyond_macs for finding in findings if finding.bound in (*READING, "write_bandwidth"))
    if waiting < WORTH * before.active_cycles:
        return ()
    size = 2 * staging.bytes
    text = f"twice the staging memory ({size // 1024} KiB)"
    return (_check(model, compilation, before.active_cycles, vela, (text, f"--arena-cache-size={size}")),)


def _check(model: Path, compilation: Compilation, cycles: int, vela: VelaOptions, change: tuple[str, str]) -> SpeedCheck:
    text, argument = change
    per_us = compilation.profile.clock_hz / 1e6
    ours, theirs = cycles / per_us, compilation.estimate.counted_us
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
        try:
            after = compile_model(model, compilation.profile, Path(folder), vela.vela, (*vela.arguments(), argument))
            found = estimated(after).found
        except EthosBenchError as error:
            return _no_answer(text, ours, theirs, error.found)
    if isinstance(found, Unavailable):
        return _no_answer(text, ours, theirs, found.reason)
    return SpeedCheck(
        text=text,
        ours_us_before=ours,
        ours_us_after=found.active_cycles / per_us,
        vela_us_before=theirs,
        vela_us_after=after.estimate.counted_us,
    )


def _no_answer(text: str, ours: float, theirs: float, problem: str) -> SpeedCheck:
    return SpeedCheck(
        text=text, ours_us_before=ours, ours_us_after=ours, vela_us_before=theirs, vela_us_after=theirs, problem=problem
    )
