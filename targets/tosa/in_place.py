"""A compiled file with the TOSA reference model in the place of its NPU: what its outputs must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ethosu_simulator
from core.errors import RunError
from core.progress import Progress
from core.records.job import Tensors
from core.tflite.graph import TfliteGraph
from targets.tosa.reference import tosa_outputs

Array = NDArray[Any]


@dataclass
class _Seen:
    """Runs the NPU as it is, and keeps what each inference gave it."""

    inputs: list[list[Array]] = field(default_factory=list)

    def execute(
        self, _number: int, operator: ethosu_simulator.NpuOperator, inputs: Sequence[Array], arena: ethosu_simulator.Arena
    ) -> list[Array]:
        """The operator's own outputs."""
        self.inputs.append([values.copy() for values in inputs])
        return operator.run(inputs, None, arena)

    def made(self, _tensor: object, _values: Array) -> None:
        """Nobody listens."""


@dataclass
class _Replaced:
    """Gives the reference model's outputs instead of the NPU's."""

    outputs: list[Array]
    what: str

    def execute(
        self, _number: int, operator: ethosu_simulator.NpuOperator, _inputs: object, arena: ethosu_simulator.Arena
    ) -> list[Array]:
        """The given outputs, in the operator's own types and shapes, which lie in the arena where the NPU would leave them."""
        found = [f"{values.dtype} of {values.size}" for values in self.outputs]
        wanted = [f"{np.dtype(tensor.dtype)} of {int(np.prod(tensor.shape))}" for tensor in operator.outputs]
        if found != wanted:
            raise RunError(
                f"`{self.what}` gives {', '.join(found)} elements, the NPU {', '.join(wanted)}", "the TOSA of this file"
            )
        outputs = [values.reshape(tensor.shape) for values, tensor in zip(self.outputs, operator.outputs, strict=True)]
        for tensor, values in zip(operator.outputs, outputs, strict=True):
            if tensor.index not in operator.outside:
                arena.store(tensor, values)
        return outputs

    def made(self, _tensor: object, _values: Array) -> None:
        """Nobody listens."""


def with_reference(
    compiled: Path, tosa: Path, graph: TfliteGraph, feeds: Sequence[Tensors], tell: Progress
) -> list[list[Array]]:
    """The outputs of a compiled file for each feed, when its only stream gives what the TOSA file gives.

    RunError when the file has several streams, kernels that are not run here, or the TOSA is not the one that it was made of.
    """
    try:
        model = ethosu_simulator.load(compiled)
        streams = [operator for operator in model.operators if isinstance(operator, ethosu_simulator.NpuOperator)]
        if len(streams) != 1:
            raise RunError(
                f"`{compiled.name}` has {len(streams)} streams, and --tosa names one graph", "a file with one delegate"
            )
        seen = _Seen()
        for feed in feeds:
            model.watch(feed, seen)
        references = tosa_outputs(tosa, graph, seen.inputs, tell)
        return [model.watch(feed, _Replaced(found, tosa.name)) for feed, found in zip(feeds, references, strict=True)]
    except ethosu_simulator.SimulatorError as error:
        raise RunError(f"`{compiled.name}` does not run in the simulator: {error}") from error
