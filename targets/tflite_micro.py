"""TFLite Micro's reference kernels, in a child process: the reference for equality, and the CPU beside a simulated NPU."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from core.processes import Finished, run_child
from core.versions import version_of
from targets.job_folder import job_errors
from targets.tflite_parts import self_contained

Array = NDArray[Any]

RUNNER = Path(__file__).parent / "runner" / "micro_runner.py"
RUNNER_MODULE = "targets.runner.micro_runner"
"""The runner's name: no import leads from here to what runs in a process of its own."""
NAME = f"TFLite Micro {version_of('tflite-micro')}"
START_SECONDS = 60.0
SECONDS_PER_IMAGE = 300.0
SPARE_ARENA_BYTES = 16 << 20
"""Above the tensors themselves: what kernels keep for themselves, persistent data, alignment."""


def run_micro(model: bytes, images: Sequence[Sequence[Array]], outputs: int, tensor_bytes: int, what: str) -> list[list[Array]]:
    """The `outputs` output tensors of a TFLite file for each image, an image being all input tensors in subgraph order.

    `tensor_bytes` is an upper bound of what all activations take together; pages that are not used cost nothing. `what` names
    the model in a RunError, raised when TFLite Micro refuses the file, its inputs or an operator.
    """
    try:
        model = self_contained(model)
    except Exception as error:  # the schema's generated code raises whatever a broken file leads it to
        raise RunError(f"`{what}` is not a TFLite file: {type(error).__name__} {error}", "an intact TFLite file") from error
    with _folder() as folder:
        job = {
            "arena_bytes": tensor_bytes + SPARE_ARENA_BYTES,
            "images": len(images),
            "inputs": len(images[0]) if images else 0,
            "outputs": outputs,
        }
        _write(folder, model, job, images)
        limit = START_SECONDS + SECONDS_PER_IMAGE * len(images)
        finished = run_child([sys.executable, "-I", str(RUNNER), str(folder)], timeout_s=limit)
        if finished.returncode:
            raise _refusal(what, finished)
        return [[_load(folder, image, number) for number in range(outputs)] for image in range(len(images))]


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ethos-bench-micro-") as name:
        yield Path(name)


def _write(folder: Path, model: bytes, job: dict[str, int], images: Sequence[Sequence[Array]]) -> None:
    with job_errors(folder):
        (folder / "model.tflite").write_bytes(model)
        (folder / "job.json").write_text(json.dumps(job))
        for image, tensors in enumerate(images):
            for number, tensor in enumerate(tensors):
                np.save(folder / f"input-{image}-{number}.npy", tensor, allow_pickle=False)


def _load(folder: Path, image: int, number: int) -> Array:
    values: Array = np.load(folder / f"output-{image}-{number}.npy", allow_pickle=False)
    return values


def _refusal(what: str, finished: Finished) -> RunError:
    """The error with TFLite Micro's own last words."""
    said = [line.strip() for line in finished.stderr.splitlines() if line.strip() and not line.startswith((" ", "Traceback"))]
    how = "ran out of time" if finished.timed_out else f"ended with {finished.returncode}"
    return RunError(
        f"`{what}` does not run in TFLite Micro, which {how}: {' | '.join(said[-3:])[:500]}",
        "operators and types that TFLite Micro's reference kernels have",
    )
