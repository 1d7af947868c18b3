"""The values of every layer for one image: float graph in LiteRT, int8 graph in TFLite Micro, NPU in the simulator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simulator
from conversion.vela_layers import read_layers
from harness.detection.letterbox import to_float
from harness.errors import ModelError, RunError, UsageError
from harness.records.artefact import Compilation
from harness.records.tflite_graph import TfliteGraph
from harness.workbench.layers.assembly import Assembly
from simulator.observe import observe
from targets.simulator import Steps
from targets.tflite_micro import run_micro
from targets.tflite_parts import Segment, every_tensor

Array = NDArray[Any]


def int8_values(content: bytes, graph: TfliteGraph, image: Array, what: str) -> dict[int, Array]:
    """Tensor index -> what TFLite Micro's reference kernels compute for it."""
    opened, indices = every_tensor(content)
    total = sum(4 * math.prod(map(abs, tensor.shape)) for tensor in graph.tensors if not tensor.constant)
    (outputs,) = run_micro(opened, [[image]], len(indices), total, what)
    return {
        index: values.reshape(graph.tensors[index].shape) if values.size == graph.tensors[index].elements else values
        for index, values in zip(indices, outputs, strict=True)
    }


def float_values(path: Path, canvas: NDArray[np.uint8], threads: int) -> dict[str, Array]:
    """Tensor name -> value in a float TFLite file; UsageError or ModelError when it is none, or takes another image."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    if path.suffix != ".tflite" or not path.is_file():
        raise UsageError(
            f"--float `{path}` is no TFLite file",
            "the float .tflite that the int8 file was quantised from: layers are matched by tensor name",
            "ethos-bench convert --checkpoint best.pt --calibration data.yaml",
        )
    try:
        interpreter = Interpreter(
            str(path),
            num_threads=threads,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"`{path}` cannot be loaded: {str(error).splitlines()[0]}", "a float .tflite file") from error
    entry = interpreter.get_input_details()[0]
    image = to_float(canvas)
    if entry["dtype"] is not np.float32 or tuple(entry["shape"]) != image.shape:
        found = f"{np.dtype(entry['dtype']).name} {list(map(int, entry['shape']))}"
        raise ModelError(f"`{path}` takes {found}", f"float32 {list(image.shape)}, the image of the int8 file")
    interpreter.set_tensor(entry["index"], image)
    interpreter.invoke()
    return {
        detail["name"]: value
        for detail in interpreter.get_tensor_details()
        if (value := _value(interpreter, detail)) is not None
    }


def _value(interpreter: Any, detail: dict[str, Any]) -> Array | None:
    try:
        values: Array = interpreter.get_tensor(detail["index"])
    except ValueError:  # a tensor that the runtime planned away, such as a variable's resource
        return None
    return values if values.dtype == np.float32 else None


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

    def _on_npu(self, step: simulator.NpuOperator, number: int, values: list[dict[int, Array]]) -> None:
        (held,) = values

        def see(executed: simulator.Executed, written: Array | None) -> None:
            self.seen.add((number, executed.command.address))
            self.operations += 1
            self.macs += executed.macs
            if written is not None:
                self.assembly.take((number, executed.command.address), written)

        results = observe(step, [self.value(held, tensor) for tensor in step.inputs], see)
        for tensor, result in zip(step.outputs, results, strict=True):
            held[tensor.index] = self.whole[tensor.name] = result

    def _on_cpu(self, step: Segment, values: list[dict[int, Array]]) -> None:
        super()._on_cpu(step, values)
        self.whole.update((name, values[0][index]) for index, name in zip(step.outputs, step.names, strict=True))


def npu_values(compilation: Compilation, image: Array, tell: Any) -> NpuValues:
    """Every tensor that survives in the compiled file or in the output of NPU commands, of one simulated run."""
    if compilation.debug_database is None:
        raise RunError("the compilation has no debug database", "Vela's *_debug.xml beside the compiled file")
    path = compilation.compiled.path
    try:
        content = path.read_bytes()
        steps = _Observed.of(simulator.load(path), content, path.name, tell)
        assert isinstance(steps, _Observed)
        steps.assembly = Assembly(read_layers(compilation.debug_database))
        (outputs,) = steps.run([image])
    except simulator.SimulatorError as error:
        raise RunError(f"`{path}` does not run in the simulator: {error}") from error
    steps.proof(compilation.placement, path.name)
    return NpuValues(steps.assembly, steps.whole, outputs, steps.shares())


def real(values: Array, scales: Sequence[float], zero_points: Sequence[int]) -> Array:
    """Integers as float32 real values, with one scale per tensor; floats as they are."""
    if not scales or values.dtype == np.float32:
        return values.astype(np.float32, copy=False)
    found: Array = (values.astype(np.float32) - np.float32(zero_points[0])) * np.float32(scales[0])
    return found
