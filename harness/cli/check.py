"""`ethos-bench check`: TFLite files against thresholds, without a run: for a pre-commit hook or a first step of CI."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from conversion.compilation_findings import compilation_findings
from conversion.model_checks import checked_graph
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.vela import compile_model
from core.errors import UsageError
from core.records.case_key import CaseKey
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.profile import Profile
from core.records.unavailable import Unavailable
from harness.acceptance.thresholds import Threshold, answer, parse_threshold
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared
from harness.cli.saying import say
from harness.workbench.figures import Subject, memory_figures, offload_figures
from harness.workbench.options import BenchOptions
from targets.memory_budget import budget_shortfalls

DEFAULT = ("fits == true", "npu_mac_share >= 0.99")
KNOWN = (
    "npu_operator_share", "npu_mac_share", "npu_cycle_share", "npu_cpu_crossings", "operators_executed", "operators_fused",
    "operators_elided", "operators_cpu", "macs", "arena_bytes", "flash_bytes", "memory_bytes", "fits",
)  # fmt: skip
"""What a compilation says by itself."""


@click.command("check")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@declared(BenchOptions, "profiles", default=[DEFAULT_PROFILE], help="NPU profile; a file is a user's own.")
@click.option(
    "--require", multiple=True, default=DEFAULT, show_default=True, metavar="THRESHOLD",
    help="`metric op value` on placement or memory (docs/guides/acceptance.md); repeatable.",
)  # fmt: skip
@click.pass_context
@exits_cleanly
def check_command(context: click.Context, files: tuple[Path, ...], profiles: tuple[str, ...], require: tuple[str, ...]) -> None:
    """Compile each of FILES (integer TFLite) and hold placement and memory against thresholds; exit code 1 when one misses."""
    thresholds = [_threshold(text) for text in require]
    missed = 0
    for file in files:
        for profile in map(load_profile, dict.fromkeys(profiles)):
            missed += _judge(file, profile, thresholds)
    if missed:
        context.exit(1)


def _threshold(text: str) -> Threshold:
    found = parse_threshold(text)
    if found.metric not in KNOWN:
        raise UsageError(f"`{text}` needs a run", f"one of {', '.join(KNOWN)}", "ethos-bench run --acceptance FILE")
    return found


def _judge(file: Path, profile: Profile, thresholds: list[Threshold]) -> int:
    """How many thresholds a file misses on a profile, after a line for each."""
    figures = _figures(file, profile)
    missed = 0
    for threshold in thresholds:
        found = answer(replace(threshold, variant=file.stem, profile=profile.name), figures)
        say(f"{'met    ' if found.met else 'MISSED '} {file} on {profile.name}: {threshold.text}: {found.found}")
        missed += not found.met
    return missed


def _figures(file: Path, profile: Profile) -> list[Measurement]:
    """Placement and memory of a file as Vela compiles it now."""
    checked_graph(file)
    subject = Subject(CaseKey(file.stem, "", profile.name, ""), Identity())
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
        compilation = compile_model(file, profile, Path(folder))
        for finding in compilation_findings(compilation):
            say(f"finding {file} on {profile.name}: {finding}")
        size = compilation.compiled.path.stat().st_size
    shortfalls = budget_shortfalls(compilation)
    size_that_fits = Unavailable("other image sizes were not tried")
    return [
        *offload_figures(subject, compilation),
        *memory_figures(subject, compilation, size, shortfalls, size_that_fits),
    ]
