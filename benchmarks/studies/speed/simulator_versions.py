"""Two versions of the simulator against each other.

`python -m benchmarks.studies.speed.simulator_versions --before CHECKOUT --compiled model_vela.tflite [--compiled ...]`:
CHECKOUT is another working tree (`git worktree add CHECKOUT COMMIT`), held against this one. A child process per version is
asked in turn, each on one processor, and counts processor time, which other work on the machine changes least: a run (best,
median), and loading with the first run (best of five, numba's compilation done before). Their outputs must be equal.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

NAMES = ("ethosu_simulator", "simulator")  # as it is called, and was
ROUNDS = 5
HEAD = "| compiled file | run ms before: best, median | after | load and first run ms: before | after |"


@click.command()
@click.option("--before", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--compiled", "files", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--seconds", default=2.0, show_default=True, help="How long each version runs a file.")
def main(before: Path, files: tuple[Path, ...], seconds: float) -> None:
    """Print a table of both."""
    click.echo(HEAD)
    click.echo("|---" * 5 + "|")
    children = [_child(folder) for folder in (before.resolve(), Path.cwd())]
    try:
        for file in files:
            click.echo(_row(file, [_ask(children, file, seconds / ROUNDS) for _round in range(ROUNDS)]))
    finally:
        for child in children:
            child.terminate()


def _child(folder: Path) -> subprocess.Popen[str]:
    """A process that serves the version in a working tree."""
    command = [sys.executable, str(Path(__file__).resolve()), str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)


def _ask(children: list[subprocess.Popen[str]], file: Path, seconds: float) -> list[dict[str, Any]]:
    """One round's figures of each version, one after the other."""
    answers: list[dict[str, Any]] = []
    for child in children:
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps([str(file.resolve()), seconds]) + "\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            raise click.ClickException(f"the process of one version ended on {file}")
        answers.append(json.loads(line))
    if len({answer["digest"] for answer in answers}) > 1:
        raise click.ClickException(f"the two versions give different bytes for {file}")
    return answers


def _row(file: Path, rounds: list[list[dict[str, Any]]]) -> str:
    runs = [[ms for answers in rounds for ms in answers[version]["runs"]] for version in (0, 1)]
    firsts = [min(answers[version]["first"] for answers in rounds) for version in (0, 1)]
    cells = [f"{min(times):.3f}, {statistics.median(times):.3f}" for times in runs]
    return f"| {file.parent.name}/{file.stem} | {' | '.join([*cells, *(f'{ms:.1f}' for ms in firsts)])} |"


def serve(folder: str) -> None:
    """Answer each line of standard input, a file and seconds, with figures as JSON."""
    sys.path.insert(0, folder)
    name = next(name for name in NAMES if (Path(folder) / name / "__init__.py").is_file())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    simulator = importlib.import_module(name)
    warm: set[str] = set()
    for line in sys.stdin:
        file, seconds = json.loads(line)
        if file not in warm:  # numba compiles
            _first(simulator, file)
            warm.add(file)
        sys.stdout.write(json.dumps(_figures(simulator, file, seconds)) + "\n")
        sys.stdout.flush()


def _first(simulator: Any, file: str) -> tuple[Any, list[Any], list[Any], float]:
    """(the model, its inputs, its outputs, ms of loading and the first run)."""
    started = time.process_time()
    model = simulator.load(file)
    random = np.random.default_rng(1)
    inputs = [random.integers(-128, 128, tensor.shape).astype(tensor.dtype) for tensor in model.inputs]
    outputs = model.run(inputs)
    return model, inputs, outputs, (time.process_time() - started) * 1e3


def _figures(simulator: Any, file: str, seconds: float) -> dict[str, Any]:
    model, inputs, outputs, first = _first(simulator, file)
    runs: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not runs:
        started = time.process_time()
        model.run(inputs)
        runs.append((time.process_time() - started) * 1e3)
    return {
        "runs": runs,
        "first": first,
        "digest": hashlib.sha256(b"".join(values.tobytes() for values in outputs)).hexdigest(),
    }


if __name__ == "__main__":
    if len(sys.argv) == 2 and Path(sys.argv[1]).is_dir():
        serve(sys.argv[1])
    else:
        main()
