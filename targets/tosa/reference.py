"""What the TOSA reference model makes of inputs, in a process and an environment of its own (PyPI `tosa-tools`)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from core.processes import run_child
from core.progress import Progress, on_stderr
from core.tflite.graph import TfliteGraph
from core.tool_environment import tool_python

Array = NDArray[Any]
LOCK = Path(__file__).with_name("requirements.lock")
CHILD = Path(__file__).with_name("child.py")
TIME_LIMIT_S = 600.0


def reference_name() -> str:
    """The reference model with its version, as records name it."""
    version = re.search(r"^tosa-tools==(\S+)", LOCK.read_text("utf-8"), re.MULTILINE)
    assert version
    return f"TOSA reference model {version[1]}"


def tosa_outputs(
    tosa: Path, graph: TfliteGraph, runs: Sequence[Sequence[Array]], tell: Progress = on_stderr
) -> list[list[Array]]:
    """The outputs of a TOSA file, whose graph is `graph`, for the inputs of each run, both in the graph's order.

    Inputs are taken by their elements: each gets the shape that the graph gives it. RunError when a type or a count is another,
    or the reference model calls a run invalid; ToolMissing when it cannot be installed.
    """
    given: dict[str, Array] = {}
    for run, arrays in enumerate(runs):
        found = [f"{values.dtype} of {values.size}" for values in arrays]
        expected = [f"{tensor.dtype} of {int(np.prod(tensor.shape))}" for tensor in graph.inputs]
        if found != expected:
            raise RunError(
                f"`{tosa.name}` takes {', '.join(expected)} elements, not {', '.join(found)}", "the TOSA of this file"
            )
        for number, (values, tensor) in enumerate(zip(arrays, graph.inputs, strict=True)):
            given[f"{run}-{number}"] = values.reshape(tensor.shape)
    python = tool_python("tosa-reference-model", LOCK, tell)
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as name:
        inputs, outputs = Path(name) / "inputs.npz", Path(name) / "outputs.npz"
        np.savez(inputs, **given)  # type: ignore[arg-type]
        done = run_child((python, CHILD, tosa.absolute(), inputs, outputs), timeout_s=TIME_LIMIT_S)
        if done.returncode or not outputs.is_file():
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"exit {done.returncode}"]
            raise RunError(
                f"the TOSA reference model does not run `{tosa.name}`: {said[0]}", "a graph of TOSA 1.0 that it takes"
            )
        with np.load(outputs) as made:
            return [[made[f"{run}-{number}"] for number in range(len(graph.outputs))] for run in range(len(runs))]
