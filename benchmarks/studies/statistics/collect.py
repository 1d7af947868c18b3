"""A/A pairs of the host: one model against itself, in the interleaved rounds that `ethos-bench ab` takes.

`python -m benchmarks.studies.statistics collect --model FILE.tflite --output pairs.jsonl --pairs N` appends N pairs; a cut
loses the pair that was being taken and nothing else. Each turn is a process of its own with an interpreter of its own,
as on the host target, but forked from one that has the runtime loaded: hundreds of pairs take minutes.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from core.files import file_sha256
from harness.statistics.interleaved import ROUNDS, interleaved

REPEATS = 50
WARMUP = 3


@click.command("collect")
@click.option("--model", type=click.Path(path_type=Path, exists=True), required=True, help="Full-integer TFLite file.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="JSON Lines file to append to.")
@click.option("--pairs", default=200, show_default=True)
@click.option("--seconds", default=float("inf"), help="Stop before a pair that would end later than this.")
@click.option("--threads", default=2, show_default=True)
def collect(model: Path, output: Path, pairs: int, seconds: float, threads: int) -> None:
    """Append A/A pairs of host samples."""
    take, digest = _turn(model, threads), file_sha256(model)
    started, longest = time.monotonic(), 0.0
    for _ in range(pairs):
        begun = time.monotonic()
        if begun - started + longest > seconds:
            break
        first, second = interleaved(take, take, REPEATS, ROUNDS)
        longest = max(longest, time.monotonic() - begun)
        line: dict[str, Any] = {"model": digest, "threads": threads, "first": first, "second": second}
        with output.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def _turn(model: Path, threads: int) -> Callable[[int], list[float]]:
    """Takes n latency samples of the model, microseconds, in a process of its own."""
    import ai_edge_litert.interpreter as runtime
    import numpy as np

    fork = multiprocessing.get_context("fork")

    def work(count: int, answer: Any) -> None:
        interpreter = runtime.Interpreter(model_path=str(model), num_threads=threads)
        interpreter.allocate_tensors()
        detail = interpreter.get_input_details()[0]
        interpreter.set_tensor(detail["index"], np.resize(np.arange(-128, 128, dtype=np.int8), detail["shape"]))
        samples = []
        for _ in range(count + WARMUP):
            begun = time.perf_counter_ns()
            interpreter.invoke()
            samples.append((time.perf_counter_ns() - begun) / 1000)
        answer.send(samples[WARMUP:])

    def take(count: int) -> list[float]:
        here, there = fork.Pipe(duplex=False)
        process = fork.Process(target=work, args=(count, there))
        process.start()
        there.close()
        samples: list[float] = here.recv()
        process.join()
        return [round(sample, 1) for sample in samples]

    return take
