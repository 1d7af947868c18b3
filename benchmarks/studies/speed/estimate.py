"""`python -m benchmarks.studies.speed.estimate FILE ...`: what an estimate of a compiled file costs, cold and warm.

Cold is a fresh process with numba's cache on disk: importing, reading, estimating. Warm is the same file again
in that process, touched so that nothing of it is remembered. Seconds of the processor and of the clock, the best of a few runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

RUNS = 5
CHILD = """
import json, os, sys, time
began = time.perf_counter()
from ethosu_simulator.timing import estimate
found = estimate(sys.argv[1])
cold = time.process_time(), time.perf_counter() - began
os.utime(sys.argv[1])
cpu, clock = time.process_time(), time.perf_counter()
estimate(sys.argv[1])
warm = time.process_time() - cpu, time.perf_counter() - clock
print(json.dumps({"npu": found.npu, "operations": len(found.operations), "cold": cold, "warm": warm}))
"""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of the processor and of the clock."""

    npu: str
    operations: int
    cold: tuple[float, float]
    warm: tuple[float, float]


def measured(file: Path) -> Cost:
    """The best of each figure over the runs."""
    runs = []
    for _ in range(RUNS + 1):  # the first may compile, and does not count
        done = subprocess.run([sys.executable, "-c", CHILD, str(file)], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    cold, warm = (tuple(min(run[name][part] for run in runs[1:]) for part in (0, 1)) for name in ("cold", "warm"))
    return Cost(npu=runs[0]["npu"], operations=runs[0]["operations"], cold=(cold[0], cold[1]), warm=(warm[0], warm[1]))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(files: tuple[Path, ...]) -> None:
    """Print a row for each file."""
    click.echo("| file | NPU | operations | cold, s of processor (clock) | warm, s of processor (clock) |")
    click.echo("|---|---|--:|--:|--:|")
    for file in files:
        found = measured(file)
        cells = [f"{processor:.2f} ({clock:.2f})" for processor, clock in (found.cold, found.warm)]
        click.echo(f"| {file.stem} | {found.npu} | {found.operations} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
