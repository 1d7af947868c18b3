"""The simulator against ai-edge-litert with XNNPACK.

`python -m benchmarks.studies.speed.simulator --model int8.tflite [--model ...]`:
Each model is compiled by Vela with its default options for each NPU. One child process per model and NPU runs both in turn,
XNNPACK with two threads on the same input, setting inputs and fetching outputs included, and prints milliseconds (best and
median), their ratio, the seconds of the first run (loading, planning, and numba's compilation when its cache is empty) and the
peak memory of a second child that has only the simulator in it.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

NPUS = ("u55-256", "u65-256", "u85-256")
THREADS = 2
LIMIT_S = 900.0
VELA = "import sys; from ethosu.vela.vela import main; sys.exit(main(sys.argv[1:]))"
HEAD = "| network | NPU | XNNPACK ms: best, median | simulator ms: best, median | ratios | first run s | peak MB |"


@click.command()
@click.option("--model", "models", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--npu", "npus", type=click.Choice(NPUS), multiple=True, default=NPUS, show_default=True)
@click.option("--seconds", default=1.0, show_default=True, help="How long each of both is repeated.")
def main(models: tuple[Path, ...], npus: tuple[str, ...], seconds: float) -> None:
    """Print the table of docs/benchmarks.md."""
    click.echo(HEAD)
    click.echo("|---" * 7 + "|")
    with tempfile.TemporaryDirectory() as name:
        for model in models:
            for npu in npus:
                compiled = compile_for(model, npu, Path(name))
                figures = child("compare", compiled, model, seconds)
                peak = child("memory", compiled, model, 0.0)["peak_bytes"]
                click.echo(row(model.stem, npu, figures, peak))


def row(name: str, npu: str, figures: dict[str, float], peak_bytes: float) -> str:
    """One line of the table."""
    theirs, ours = (figures["xnnpack_best"], figures["xnnpack_median"]), (figures["best"], figures["median"])
    cells = [
        name,
        npu,
        "{:.3f}, {:.3f}".format(*theirs),
        "{:.3f}, {:.3f}".format(*ours),
        f"{ours[0] / theirs[0]:.1f}, {ours[1] / theirs[1]:.1f}",
        f"{figures['first_s']:.2f}",
        f"{peak_bytes / 1e6:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def compile_for(model: Path, npu: str, folder: Path) -> Path:
    """The file that Vela makes of the model with its default options."""
    command = [
        sys.executable,
        "-c",
        VELA,
        "--accelerator-config",
        f"ethos-{npu}",
        "--output-dir",
        str(folder / npu),
        str(model),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode:
        raise click.ClickException(f"Vela failed on {model}: {(done.stderr or done.stdout)[-400:]}")
    return folder / npu / f"{model.stem}_vela.tflite"


def child(what: str, compiled: Path, model: Path, seconds: float) -> dict[str, float]:
    """What `_compare` or `_memory` finds in a process of its own."""
    code = f"import sys; from benchmarks.studies.speed import simulator as s; s.{what}(*sys.argv[1:3], float(sys.argv[3]))"
    command = [sys.executable, "-c", code, str(compiled), str(model), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode:
        raise click.ClickException(f"the child process failed: {done.stderr[-800:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def compare(compiled: str, model: str, seconds: float) -> None:
    """Print the milliseconds of both, run in turn, as JSON; their outputs must have the same shapes."""
    from ai_edge_litert.interpreter import Interpreter

    import ethosu_simulator

    interpreter = Interpreter(model, num_threads=THREADS)
    interpreter.allocate_tensors()
    sources, results = interpreter.get_input_details(), interpreter.get_output_details()
    random = np.random.default_rng(1)
    inputs = [random.integers(-128, 128, source["shape"]).astype(source["dtype"]) for source in sources]

    def xnnpack() -> None:
        for source, values in zip(sources, inputs, strict=True):
            interpreter.set_tensor(source["index"], values)
        interpreter.invoke()
        for result in results:
            interpreter.get_tensor(result["index"])

    started = time.perf_counter()
    loaded = ethosu_simulator.load(compiled)
    loaded.run(inputs)
    first = time.perf_counter() - started
    theirs, ours = in_turn(xnnpack, lambda: loaded.run(inputs), seconds)
    figures = {"xnnpack_best": min(theirs), "xnnpack_median": statistics.median(theirs), "first_s": first}
    sys.stdout.write(json.dumps(figures | {"best": min(ours), "median": statistics.median(ours)}))


def in_turn(first: Callable[[], object], second: Callable[[], object], seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of both, in five rounds each of a fifth of the time, after one run of each that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    first()
    second()
    for _round in range(5):
        for function, found in zip((first, second), times, strict=True):
            end = time.perf_counter() + seconds / 5
            while (started := time.perf_counter()) < end or not found:
                function()
                found.append((time.perf_counter() - started) * 1e3)
    return times


def memory(compiled: str, _model: str, _seconds: float) -> None:
    """Print this process' peak resident bytes after two runs of the simulator, as JSON."""
    import ethosu_simulator

    loaded = ethosu_simulator.load(compiled)
    for _run in range(2):
        loaded.run([np.zeros(tensor.shape, tensor.dtype) for tensor in loaded.inputs])
    scale = 1 if sys.platform == "darwin" else 1024
    sys.stdout.write(json.dumps({"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale}))


if __name__ == "__main__":
    main()
