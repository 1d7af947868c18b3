"""Starts of target `fvp` on engine `qemu`: `python -m benchmarks.studies.speed.open_corstone --model int8.tflite ...`.

Each int8 file is compiled by Vela for each NPU. A child process starts it on a random image, again and again; printed are the
seconds of the first start (planning, estimating, and numba's compilation when its cache is empty), of the later ones (best and
median), and of an image on engine `open` (best), in the same process.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np

NPUS = ("ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512")
HEAD = "| network | NPU | first start s | later starts s: best, median | engine open, s an image |"
LIMIT_S = 1800.0


@click.command()
@click.option("--model", "models", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--npu", "npus", type=click.Choice(NPUS), multiple=True, default=NPUS[:1], show_default=True)
@click.option("--starts", default=10, show_default=True, help="How many later starts.")
def main(models: tuple[Path, ...], npus: tuple[str, ...], starts: int) -> None:
    """Print the table of docs/benchmarks.md."""
    click.echo(HEAD)
    click.echo("|---" * 5 + "|")
    for model in models:
        for npu in npus:
            figures = _child(model, npu, starts)
            cells = f"{figures['first']:.2f} | {figures['best']:.2f}, {figures['median']:.2f} | {figures['open']:.2f}"
            click.echo(f"| {model.stem} | {npu} | {cells} |")


def _child(model: Path, npu: str, starts: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.studies.speed.open_corstone", str(model), npu, str(starts)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(model: Path, npu: str, starts: int) -> dict[str, float]:
    """Seconds of the first start, of the best and the median of the later ones, and of an image on engine `open`."""
    from conversion.pipeline import compile_source, tflite_source
    from conversion.profile_files import load_profile
    from conversion.vela_options import VelaOptions
    from core.records.job import Job
    from ethosu_simulator.container import parse
    from targets.kinds import TargetOptions, open_target

    artefact = compile_source(tflite_source(model), load_profile(npu), VelaOptions(), lambda _: None)
    container = parse(artefact.compilation.compiled.path.read_bytes())
    shape = container.tensors[container.inputs[0]].shape
    image = np.random.default_rng(0).integers(-128, 128, shape, dtype=np.int8)
    seconds: dict[str, list[float]] = {}
    for engine, rounds in (("qemu", starts + 1), ("open", starts + 1)):
        options = TargetOptions(fvp_engine="qemu" if engine == "qemu" else "open")
        with open_target("fvp", options) as target:
            for _ in range(rounds):
                started = time.perf_counter()
                target.run(Job(artefact, (image,), 0))
                seconds.setdefault(engine, []).append(time.perf_counter() - started)
    later = seconds["qemu"][1:]
    return {
        "first": seconds["qemu"][0], "best": min(later), "median": statistics.median(later), "open": min(seconds["open"][1:]),
    }  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) == 4 and not sys.argv[1].startswith("-"):
        print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))  # noqa: T201 - for the parent
    else:
        main()
