"""What the harness adds to a board's own work: `python -m benchmarks.studies.speed.boards`; needs root, as all test boards.

On native test boards (tests/boards: a real sshd in namespaces, the simulator behind a stand-in delegate), with a model of two
convolutions that is there already: the seconds around the inferences of a job, the samples of a board that is near and of the
same one a long way off, and jobs in a minute on one board of a labgrid farm and on four. The farm's NPU is a pause (`pause_ms`
of the stand-in delegate), since four boards that compute would share this machine's cores.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
import psutil

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.kinds import TargetOptions, open_target
from targets.target import Target
from tests.boards.boards import Lab, missing
from tests.boards.far import far
from tests.boards.farm_lab import FarmLab
from tests.contract.test_target import two_outputs

IMAGE = np.random.default_rng(1).integers(-128, 128, (1, 16, 16, 8), dtype=np.int8)
SPEC = "farm:board=farm-test"
REPEATS = 20
DELAY_S = 0.05
Figures = dict[str, list[float]]


@click.command()
@click.option("--rounds", default=10, show_default=True, help="Sessions of two jobs each.")
@click.option("--jobs", default=12, show_default=True, help="Jobs on the farm.")
@click.option("--pause-ms", default=300, show_default=True, help="One inference of the farm's NPU.")
@click.option("--boards", "count", default=4, show_default=True, help="Boards of the farm.")
def main(rounds: int, jobs: int, pause_ms: int, count: int) -> None:
    """Print the tables of docs/benchmarks.md."""
    if why := missing():
        raise click.ClickException(why)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ETHOS_BENCH_CACHE"] = str(folder / "cache")
        model = folder / "two.tflite"
        model.write_bytes(two_outputs())
        artefact = compile_source(tflite_source(model), load_profile("ethos-u65-256"), VelaOptions(), lambda _: None)
        with Lab(folder / "lab") as lab:
            near_and_far(lab, artefact, rounds)
            farm(lab, artefact, jobs, pause_ms, count)


def near_and_far(lab: Lab, artefact: Artefact, rounds: int) -> None:
    """Print what lies around a job's inferences, and the samples, for a board that is near and one that is far."""
    board = lab.add("native-test", "native")
    with far(lab, board, "far-test", DELAY_S):
        options = TargetOptions(threads=1, targets_file=lab.targets)
        for spec in ("ssh:native-test", "ssh:far-test"):
            session(spec, options, artefact)  # uploads
        found: dict[str, Figures] = {"ssh:native-test": {}, "ssh:far-test": {}}
        for _ in range(rounds):
            for spec, figures in found.items():
                for part, value in session(spec, options, artefact).items():
                    figures.setdefault(part, []).append(value)
    parts = list(found["ssh:native-test"])
    click.echo(f"| median of {rounds} (largest) | next to us | {DELAY_S * 2e3:.0f} ms round trip |")
    click.echo("|---" * 3 + "|")
    for part in parts:
        cells = [f"{statistics.median(found[spec][part]):.3f} ({max(found[spec][part]):.3f})" for spec in found]
        click.echo(f"| {part} | {' | '.join(cells)} |")


def session(spec: str, options: TargetOptions, artefact: Artefact) -> dict[str, float]:
    """Seconds of a session's parts, without the inferences' own, and the median sample in milliseconds."""
    started = time.perf_counter()
    with open_target(spec, options) as target:
        connected = time.perf_counter()
        _, first_s = job(target, artefact)
        second, second_s = job(target, artefact)
        closing = time.perf_counter()
    ended = time.perf_counter()
    assert not isinstance(second.latency_us, Unavailable)
    return {
        "connect and check the board, s": connected - started,
        "first job of a model: NPU, and CPU beside it, s": first_s,
        "next job of the model: NPU only, s": second_s,
        "disconnect, s": ended - closing,
        "**connect, one job with the CPU beside it, disconnect**, s": connected - started + first_s + ended - closing,
        "**connect, one job, disconnect**, s": connected - started + second_s + ended - closing,
        "median sample, ms": statistics.median(second.latency_us) / 1e3,
    }


def job(target: Target, artefact: Artefact) -> tuple[Run, float]:
    """A run, and its seconds without the inferences that it timed; those of the outputs and the warm-up stay in."""
    started = time.perf_counter()
    run = target.run(Job(artefact, (IMAGE,), REPEATS))
    took = time.perf_counter() - started
    timed = [samples for samples in (run.latency_us, run.cpu_latency_us) if not isinstance(samples, Unavailable)]
    return run, took - sum(map(sum, timed)) / 1e6


def farm(lab: Lab, artefact: Artefact, jobs: int, pause_ms: int, count: int) -> None:
    """Print jobs in a minute on one board and on several."""
    click.echo(f"\n| boards | {jobs} jobs, s | jobs in a minute | times one board | processor busy |")
    click.echo("|---" * 5 + "|")
    boards = [lab.add(f"farm-{letter}", "native") for letter in "abcdefghijklmnop"[:count]]
    one = 0.0
    for number in (1, count):
        with FarmLab(lab, lab.folder / f"farm{number}", boards[:number]) as opened:
            opened.write(delegate_options={"enable_cycle_counter": "true", "pause_ms": str(pause_ms)})
            os.environ["LG_COORDINATOR"] = opened.address
            seconds, busy = spread(lab.targets, artefact, jobs, number)
        one = one or seconds
        click.echo(f"| {number} | {seconds:.1f} | {jobs / seconds * 60:.1f} | {one / seconds:.2f} | {busy:.0f} % |")


def spread(targets: Path, artefact: Artefact, jobs: int, workers: int) -> tuple[float, float]:
    """Seconds for all jobs in so many processes, each with the farm open as a process of xdist has it; % of all cores."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        list(pool.map(_on_farm, [(targets, artefact)] * workers))  # everybody has started, every board has the files
        psutil.cpu_percent()
        started = time.perf_counter()
        list(pool.map(_on_farm, [(targets, artefact)] * jobs))
        return time.perf_counter() - started, psutil.cpu_percent()


_open: list[Target] = []


def _on_farm(work: tuple[Path, Artefact]) -> None:
    """A job in a process that opens the farm once."""
    targets, artefact = work
    if not _open:
        _open.append(open_target(SPEC, TargetOptions(threads=1, targets_file=targets)).__enter__())
    _open[0].run(Job(artefact, (IMAGE,), REPEATS))


if __name__ == "__main__":
    main()
