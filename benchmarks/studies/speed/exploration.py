"""What an exploration costs beside its cells.

`python -m benchmarks.studies.speed.exploration cells --model a_int8.tflite [--model ...]` computes every file for every shipped
NPU, two memories, for size and for performance, on one worker and on as many as there are processors, each into an empty cache,
and then again with everything known. `... sleeping` sends cells that only sleep through clusters of 1, 4 and 16 workers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from distributed import Client, as_completed

from conversion.profile_files import FOLDER
from harness.explore import work
from harness.explore.engine import explored, local_cluster, local_workers
from harness.explore.exploration import Cell
from harness.explore.plan import ExploreOptions, planned
from harness.explore.requests import CellRequest

SLEEPS, SLEEP_S = 320, 0.25
SLEEPERS = (1, 4, 16)
MEMORIES = ("mlek", "mlek-off")


@dataclass(frozen=True)
class Timed:
    """Seconds from the first task to the last cell, and the cells; the start of a cluster is not in it."""

    seconds: float
    cells: Sequence[Cell]

    @property
    def own_seconds(self) -> float:
        """The sum of what each cell took by itself."""
        return sum(cell.seconds for cell in self.cells)


@click.group()
def main() -> None:
    """Print figures for docs/benchmarks.md."""


@main.command("cells")
@click.option("--model", "files", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
def cells_command(files: tuple[Path, ...]) -> None:
    """Real cells on one worker, on all processors, and known."""
    npus = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
    requests = planned(ExploreOptions(model=files, npu=npus, memory=MEMORIES, optimise=("Size", "Performance")))
    click.echo(f"{len(requests)} cells: {len(files)} models x {len(npus)} NPUs x {len(MEMORIES)} memories x 2 options of Vela")
    alone = 0.0
    for workers in sorted({1, local_workers()}):
        with tempfile.TemporaryDirectory(prefix="ethos-bench-") as cache:
            os.environ["ETHOS_BENCH_CACHE"] = cache
            timed = _timed(requests, workers)
            alone = alone or timed.seconds
            _say(timed, workers, alone)
            start = time.perf_counter()
            known = [found.cell for found in explored(requests, "", click.echo)]
            click.echo(f"known: {len(known)} cells read in {time.perf_counter() - start:.2f} s")


def _timed(requests: Sequence[CellRequest], workers: int) -> Timed:
    with local_cluster(workers) as cluster, Client(cluster, set_as_default=False) as client:
        client.run(work.worker_identity)  # a worker's imports are the cluster's start, and not a cell's
        address = cluster.scheduler_address
        start = time.perf_counter()
        cells = [found.cell for found in explored(requests, address, click.echo)]
        return Timed(time.perf_counter() - start, cells)


def _say(timed: Timed, workers: int, alone: float) -> None:
    count, ideal = len(timed.cells), timed.own_seconds / workers
    overhead_ms = 1000 * (timed.seconds - ideal) / count
    failed = sum(1 for cell in timed.cells if cell.failed)
    click.echo(
        f"{workers} workers: {timed.seconds:.1f} s, the cells' own times {timed.own_seconds:.1f} s, "
        f"{timed.seconds / ideal:.3f} of them divided by the workers, overhead {overhead_ms:.0f} ms a cell, "
        f"{alone / timed.seconds:.2f} times one worker; {failed} of {count} cells failed"
    )


@main.command("sleeping")
def sleeping_command() -> None:
    """Cells that sleep, on 1, 4 and 16 workers: how far the engine scales where the processors are no limit."""
    for workers in SLEEPERS:
        with local_cluster(workers) as cluster, Client(cluster, set_as_default=False) as client:
            client.run(work.worker_identity)
            count = SLEEPS * workers // SLEEPERS[-1]
            start = time.perf_counter()
            tasks = [client.submit(_asleep, number, pure=False) for number in range(count)]
            done = [future.result() for future in as_completed(tasks, loop=client.loop)]
            seconds = time.perf_counter() - start
        assert sorted(done) == list(range(count))
        ideal = count * SLEEP_S / workers
        click.echo(f"{workers} workers: {count} cells of {SLEEP_S} s in {seconds:.2f} s, {ideal / seconds:.3f} of ideal")


def _asleep(number: int) -> int:
    time.sleep(SLEEP_S)
    return number


if __name__ == "__main__":
    main()
