"""One case against the TOSA reference model: Vela's file of the TFLite graph, and Vela's file of the TOSA graph."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ethosu_simulator
from conversion.tosa_graph import read_tosa
from core.errors import EthosBenchError
from core.progress import to_nobody
from targets.tosa.reference import tosa_outputs
from tests.ethosu_simulator.generator.cases import Case
from tests.ethosu_simulator.generator.compare import EQUAL, Array, compiled, inputs_of, reference
from tests.ethosu_simulator.tosa.written import NotWritten, tosa_of

DIFFERS, NOT_WRITTEN, NOT_RUN, ON_CPU, REFUSED = "differs", "not written", "not run", "CPU", "Vela refuses"

INT8_MAX = 127
CLIPPED = "the reference's unsigned bytes clipped at 127, as the stream's ACTIVATION_MAX says"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A case: `by_tflite` is what came of Vela's file of the TFLite graph, `by_tosa` of its file of the TOSA graph.

    Both are held against the reference model on the TOSA graph; a status with its detail behind a colon. `how` the graph was
    written, `kinds` are its operators.
    """

    case: str
    by_tflite: str
    by_tosa: str
    how: str = ""
    kinds: str = ""

    def as_data(self) -> dict[str, Any]:
        """The result for JSON."""
        return asdict(self)


def without_micro(case: Case, folder: Path) -> bool:
    """Whether TFLite Micro gives nothing for a case: it lacks a kernel, or its process ends."""
    model, path = case.build(), folder / "asked.tflite"
    path.write_bytes(model)
    child = os.fork()
    if not child:
        os._exit(_gives(model, path, inputs_of(model, case.seed)))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def _gives(model: bytes, path: Path, sets: list[list[Array]]) -> int:
    """0 when TFLite Micro gives outputs."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    with contextlib.suppress(Exception):
        return int(reference(model, path, sets)[0] != "TFLite Micro")
    return 1


def compared(case: Case, folder: Path) -> Compared:
    """What came of a case."""
    model, path = case.build(), folder / "case.tflite"
    path.write_bytes(model)
    sets = [[_signless(values) for values in inputs] for inputs in inputs_of(model, case.seed)]
    try:
        graph, how = tosa_of(path, folder)
    except NotWritten as error:
        return Compared(case=str(case), by_tflite=f"{NOT_WRITTEN}: {error}", by_tosa=f"{NOT_WRITTEN}: {error}")
    read = read_tosa(graph)
    kinds = " ".join(dict.fromkeys(operator.kind for operator in read.operators))
    try:
        expected = [outputs[0] for outputs in tosa_outputs(graph, read, sets, to_nobody)]
    except EthosBenchError as error:
        why = f"{NOT_RUN}: {error.found}"
        return Compared(case=str(case), how=how, by_tflite=why, by_tosa=why, kinds=kinds)
    return Compared(
        case=str(case),
        how=how,
        by_tflite=held(lambda: compiled(path, case.config, folder / "of tflite"), inputs_of(model, case.seed), expected),
        by_tosa=held(lambda: compiled(graph, case.config, folder / "of tosa"), sets, expected),
        kinds=kinds,
    )


def _signless(values: Array) -> Array:
    """Unsigned bytes as the signed ones of the same bits: TOSA has no others."""
    return values.view(np.int8) if values.dtype == np.uint8 else values


def held(compile_it: Callable[[], Path], sets: list[list[Array]], expected: list[Array]) -> str:
    """How the simulator's first output of a compiled file stands to the reference model's, byte by byte."""
    try:
        path = compile_it()
    except Exception as error:  # whatever Vela raises
        return f"{REFUSED}: {' '.join(str(error).split())}"[:200]
    try:
        model = ethosu_simulator.load(path)
        shapes = [tensor.shape for tensor in model.inputs]
        found = [model.run([v.reshape(s) for v, s in zip(inputs, shapes, strict=True)])[0] for inputs in sets]
    except ethosu_simulator.SimulatorError as error:
        left = "left to the CPU" in str(error) or "no ethos-u operator" in str(error)
        return ON_CPU if left else f"{NOT_RUN}: {error}"
    apart = [_apart(got, want) for got, want in zip(found, expected, strict=True)]
    wrong, most, every = (sum(part[0] for part in apart), max(part[1] for part in apart), sum(part[2] for part in apart))
    if not wrong:
        return EQUAL
    clipped = all(_is_clipped(got, want) for got, want in zip(found, expected, strict=True))
    return f"{DIFFERS}: {f'{CLIPPED} ' if clipped else ''}({wrong} of {every} by up to {most})"


def _is_clipped(got: Array, want: Array) -> bool:
    """Whether bytes are those of the reference, taken as unsigned, but none above 127."""
    return want.itemsize == 1 and np.array_equal(got.view(np.uint8).ravel(), np.minimum(want.view(np.uint8).ravel(), INT8_MAX))


def _apart(got: Array, want: Array) -> tuple[int, int, int]:
    """(elements that differ, by how much at most, elements)."""
    both = (_signless(got).reshape(-1).astype(np.int64), _signless(want).reshape(-1).astype(np.int64))
    difference = np.abs(both[0] - both[1])
    return int(np.count_nonzero(difference)), int(difference.max(initial=0)), difference.size
