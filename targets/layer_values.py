"""The values of every layer for one image on the simulated NPU: what its commands write, put together into tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

import ethosu_simulator
from core.errors import RunError
from core.records.artefact import Compilation
from core.records.layer_part import LayerPart
from ethosu_simulator.observe import observe
from targets.layer_assembly import Assembly
from targets.simulator import Steps
from targets.tflite_parts import Segment

Array = NDArray[Any]


@dataclass
class NpuValues:
    """Tensor values by name out of one simulated run: of commands, and of tensors that the compiled file itself holds."""

    assembly: Assembly
    whole: dict[str, Array]
    outputs: list[Array]
    sign: str

    def tensor(self, name: str, shape: tuple[int, ...], dtype: str) -> Array | None:
        """A whole tensor in its TFLite shape, or None when it exists nowhere on its own."""
        found = self.whole.get(name)
        if found is not None and str(found.dtype) == dtype and found.size == math.prod(shape):
            return found.reshape(shape)
        return self.assembly.tensor(name, shape, dtype)


@dataclass
class _Observed(Steps):
    """Steps whose NPU operators are watched."""

    assembly: Assembly = field(default_factory=lambda: Assembly(()))
    whole: dict[str, Array] = field(default_factory=dict)

    def _on_npu(self, step: ethosu_simulator.NpuOperator, number: int, values: list[dict[int, Array]]) -> None:
        (held,) = values

        def see(executed: ethosu_simulator.Executed, written: Array | None) -> None:
            self.seen.add((number, executed.address))
            self.operations += 1
            self.macs += executed.macs
            if written is not None:
                self.assembly.take((number, executed.address), written)

        results = observe(step, [self.value(held, tensor) for tensor in step.inputs], see)
        for tensor, result in zip(step.outputs, results, strict=True):
            held[tensor.index] = self.whole[tensor.name] = result

    def _on_cpu(self, step: Segment, values: list[dict[int, Array]]) -> None:
        super()._on_cpu(step, values)
        self.whole.update((name, values[0][index]) for index, name in zip(step.outputs, step.names, strict=True))


def npu_values(compilation: Compilation, layers: tuple[LayerPart, ...], image: Array, tell: Callable[[str], None]) -> NpuValues:
    """Every tensor that survives in the compiled file or in the output of NPU commands (`layers`), of one simulated run."""
    path = compilation.compiled.path
    try:
        content = path.read_bytes()
        steps = _Observed.of(ethosu_simulator.load(path), content, path.name, tell)
        assert isinstance(steps, _Observed)
        steps.assembly = Assembly(layers)
        (outputs,) = steps.run([image])
    except ethosu_simulator.SimulatorError as error:
        raise RunError(f"`{path}` does not run in the simulator: {error}") from error
    steps.proof(compilation.placement, path.name)
    return NpuValues(steps.assembly, steps.whole, outputs, steps.shares())
