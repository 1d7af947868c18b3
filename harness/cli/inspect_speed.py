"""What `inspect` says of speed: our estimate, what would make the model faster, and what a change that was tried gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from conversion.estimates import Estimation, estimated
from conversion.speed_checks import SpeedCheck, speed_checks
from conversion.speed_findings import speed_findings
from conversion.vela_options import VelaOptions
from core.records.artefact import Compilation
from core.records.operator_cycles import SpeedFinding
from core.records.unavailable import Unavailable
from harness.cli.saying import cell

SHOWN = 5
LONGEST_NAME = 60


@dataclass(frozen=True)
class Speed:
    """Our estimate of a compiled file, what keeps its operators from going faster, and the changes that were tried."""

    estimation: Estimation
    findings: tuple[SpeedFinding, ...]
    checks: tuple[SpeedCheck, ...]


def speed_of(file: Path, compilation: Compilation, vela: VelaOptions) -> Speed:
    """What is to say of a file that was just compiled."""
    estimation = estimated(compilation)
    if isinstance(estimation.found, Unavailable):
        return Speed(estimation, (), ())
    findings = speed_findings(compilation, estimation.found)
    return Speed(estimation, findings, speed_checks(file, compilation, findings, vela))


def show_speed(console: Console, compilation: Compilation, speed: Speed, *, every: bool) -> None:
    """Print our estimate and the findings that cost most."""
    found = speed.estimation.found
    if isinstance(found, Unavailable):
        console.print(f"  our estimate  none: {cell(found.reason)}", soft_wrap=True)
        return
    per_ms = compilation.profile.clock_hz / 1e3
    of = "of the NPU's part " if compilation.placement.cpu else ""
    console.print(
        f"  our estimate  {found.active_cycles / per_ms:.2f} ms {of}({found.low / per_ms:.2f} to {found.high / per_ms:.2f}), "
        f"memory {cell(found.memory)}; {cell(found.trust)}",
        soft_wrap=True,
    )
    shown = speed.findings if every else speed.findings[:SHOWN]
    for one in shown:
        name = cell(_name(one))
        share = one.beyond_macs / max(1, found.active_cycles)
        cost = f"{one.beyond_macs:,} cycles ({share:.1%}) beyond its MACs"
        console.print(f"[bold cyan]faster[/bold cyan] {name}: {cost}", soft_wrap=True)
        console.print(f"     {cell(one.text)}", soft_wrap=True)
    if len(speed.findings) > len(shown):
        console.print(f"     and {len(speed.findings) - len(shown)} more (--all, --json)")
    for check in speed.checks:
        console.print(f"[bold cyan]tried[/bold cyan] {cell(check.text)}: {cell(_answer(check))}", soft_wrap=True)


def _name(one: SpeedFinding) -> str:
    number = f"#{one.index} " if one.index >= 0 else ""
    return f"{number}{one.operator} {one.name[:LONGEST_NAME]}".strip()


def _answer(check: SpeedCheck) -> str:
    if check.problem:
        return f"no answer, {check.problem}"
    sides = ((check.ours_us_before, check.ours_us_after, "ours"), (check.vela_us_before, check.vela_us_after, "Vela's"))
    return ", ".join(f"{before / 1e3:.2f} -> {after / 1e3:.2f} ms by {whose} estimate" for before, after, whose in sides)


def speed_document(speed: Speed) -> dict[str, Any]:
    """What JSON holds: our estimate without its operations, findings and checks."""
    found = speed.estimation.found
    head: dict[str, Any] = {"memory": speed.estimation.memory}
    if isinstance(found, Unavailable):
        return head | {"unavailable": found.reason, "findings": [], "checks": []}
    head |= {"active_cycles": found.active_cycles, "low": found.low, "high": found.high}
    head |= {"validated": found.validated, "trust": found.trust}
    return head | {
        "findings": [asdict(one) for one in speed.findings],
        "checks": [asdict(check) for check in speed.checks],
    }
