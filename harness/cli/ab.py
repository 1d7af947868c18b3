"""`ethos-bench ab`: which of two files is slower, measured in turns on one target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.vela_options import VelaOptions
from core.errors import RunError, UsageError
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.unavailable import Unavailable
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared, gathered
from harness.cli.saying import say
from harness.statistics.interleaved import ROUNDS, Take, interleaved
from harness.statistics.shift import BOUND, LEVEL, POWER, Shift, rounds_shift
from harness.workbench.inputs import of_noise
from harness.workbench.options import BenchOptions
from targets.kinds import TargetOptions, open_target
from targets.run_checks import run_checked
from targets.target import Target

FEWEST_ROUNDS = 8
WARMUP = 3


@click.command("ab")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@declared(BenchOptions, "targets", multiple=False, default="host", help="Where to run both.")
@declared(BenchOptions, "profiles", multiple=False, default=DEFAULT_PROFILE, help="Profile that both are compiled for.")
@declared(BenchOptions, "repeats")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Turns that the samples are taken in.")
@click.option("--bound", default=BOUND, show_default=True, help="Relative difference that nobody acts on.")
@declared(BenchOptions, "threads")
@gathered(VelaOptions, "vela")
@click.pass_context
@exits_cleanly
def ab_command(
    context: click.Context,
    first: Path,
    second: Path,
    targets: str,
    profiles: str,
    repeats: int,
    rounds: int,
    bound: float,
    threads: int,
    vela: VelaOptions,
) -> None:
    """Say whether SECOND is faster or slower than FIRST, both full-integer TFLite files, or that they are equivalent.

    Both are run in turns, each turn a run of its own, so that heat and other load meet both alike. Exit code 1 when SECOND is
    slower.
    """
    if rounds < FEWEST_ROUNDS:
        raise UsageError(f"--rounds {rounds}", f"{FEWEST_ROUNDS} or more: fewer give no interval of {LEVEL:.0%}", "--rounds 10")
    profile = load_profile(profiles)
    artefacts = [compile_source(tflite_source(path), profile, vela, lambda _: None) for path in (first, second)]
    with (
        open_target(targets, TargetOptions(threads=threads)) as target,
        click.progressbar(length=2 * rounds, label=f"running on {target.name}") as bar,
    ):
        one, other = (_counting(_taking(target, artefact), bar.update) for artefact in artefacts)
        samples = interleaved(one, other, repeats, rounds)
    shift = rounds_shift(*samples, bound)
    medians = [float(np.median(np.concatenate(side))) / 1e3 for side in samples]
    say(f"A {first}: {medians[0]:.3f} ms")
    say(f"B {second}: {medians[1]:.3f} ms")
    say(told(shift))
    if shift.verdict == "slower":
        context.exit(1)


def told(shift: Shift) -> str:
    """The verdict with its numbers."""
    numbers = f"{100 * shift.shift:+.2f} % [{100 * shift.low:+.2f}, {100 * shift.high:+.2f}] at {LEVEL:.0%}"
    seen = f"this sample would have shown {100 * shift.detectable:.2f} % with probability {POWER:.0%}"
    return f"{shift.verdict}: B against A {numbers}; {seen}"


def _taking(target: Target, artefact: Artefact) -> Take:
    """Takes latency samples of an artefact; RunError where the target has none."""
    pattern = of_noise(1, tflite_source(artefact.source.path).graph).feeds

    def take(count: int) -> tuple[float, ...]:
        run = run_checked(target, Job(artefact, pattern, count, WARMUP))
        if isinstance(run.latency_us, Unavailable):
            raise RunError(f"{target.name} has no latency: {run.latency_us.reason}", "a target that measures")
        return run.latency_us

    return take


def _counting(take: Take, update: Callable[[int], None]) -> Take:
    def counted(count: int) -> Sequence[float]:
        found = take(count)
        update(1)
        return found

    return counted
