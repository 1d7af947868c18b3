"""The values of every layer for one image on the simulated NPU: what its commands write, put together into tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

import ethosu_simulator
from core.errors import RunError
from core.progress import Progress
from core.records.artefact import Compilation
from core.records.layer_part import LayerPart
from ethosu_simulator.container import Tensor
from ethosu_simulator.observe import observe
from targets.layer_assembly import Assembly
from targets.simulator import Steps
from targets.tflite_micro import cpu_operators

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


class _Observed(Steps):
    """Steps of one image whose operations and tensors are watched."""

    def watch(self, image: Array, assembly: Assembly) -> tuple[dict[str, Array], list[Array]]:
        """(the tensors that the file itself holds, by name; the outputs); what commands write goes to `assembly`."""
        whole: dict[str, Array] = {}

        def see(number: int, executed: ethosu_simulator.Executed, written: Array | None) -> None:
            self.saw(executed, number)
            if written is not None:
                assembly.take((number, executed.address), written)

        def made(tensor: Tensor, values: Array) -> None:
            whole[tensor.name] = values

        outputs = observe(self.model, [image], see, made=made, cpu=self.cpu)
        return whole, outputs


def npu_values(compilation: Compilation, layers: tuple[LayerPart, ...], image: Array, tell: Progress) -> NpuValues:
    """Every tensor that survives in the compiled file or in the output of NPU commands (`layers`), of one simulated run."""
    path = compilation.compiled.path
    try:
        with cpu_operators(path) as cpu:
            steps, assembly = _Observed(ethosu_simulator.load(path), cpu, path.name, tell), Assembly(layers)
            whole, outputs = steps.watch(image, assembly)
    except ethosu_simulator.SimulatorError as error:
        raise RunError(f"`{path}` does not run in the simulator: {error}") from error
    steps.proof(compilation.placement, path.name)
    return NpuValues(assembly, whole, outputs, steps.shares())
