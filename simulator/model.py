"""A compiled model that runs: tensors in, tensors out, every operator on the simulated NPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.command_stream import MAX_WORDS, Command, NpuConfig, decode, parse_payload
from simulator.container import Container, Operator, Tensor, parse
from simulator.errors import ConfigurationError, ContainerError, InputError, MemoryFault, NotModelled, StreamError
from simulator.limits import Limits
from simulator.machine import Machine
from simulator.memory import Memory
from simulator.npu import run
from simulator.weights import KernelCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.trace import Executed

Array = NDArray[Any]
NPU_OPERATOR = "ethos-u"
READ_ONLY, SCRATCH, SCRATCH_FAST = 0, 1, 2


class NpuOperator:
    """One `ethos-u` operator: its stream, its constants, and where its inputs and outputs lie in the arena."""

    def __init__(self, container: Container, operator: Operator, limits: Limits) -> None:
        if len(operator.inputs) < 4 or min(operator.inputs) < 0:
            raise ContainerError(f"ethos-u operator with inputs {operator.inputs}: expected at least four")
        tensors = [container.tensors[i] for i in operator.inputs]
        payload = parse_payload(tensors[0].data)
        self.config: NpuConfig = payload.config
        self.commands: list[Command] = decode(payload)
        self.inputs: tuple[Tensor, ...] = tuple(tensors[4:])
        self.outputs: tuple[Tensor, ...] = tuple(container.tensors[i] for i in operator.outputs)
        self._read_only = np.frombuffer(tensors[1].data, np.uint8)
        self._scratch, self._fast = tensors[2], tensors[3]
        self._kernels = KernelCache()
        self._limits = limits
        for tensor in (self._scratch, self._fast):
            if tensor.size_bytes > limits.memory_bytes:
                raise MemoryFault(f"scratch of {tensor.size_bytes} bytes: expected at most {limits.memory_bytes}")

    def run(self, inputs: Sequence[Array], trace: list[Executed] | None = None) -> list[Array]:
        """The operator's outputs for its inputs, in its own order."""
        arena = np.zeros(self._scratch.size_bytes, np.uint8)
        shared = self._fast.index == self._scratch.index
        fast = arena if shared else np.zeros(self._fast.size_bytes, np.uint8)
        memory = Memory({READ_ONLY: self._read_only, SCRATCH: arena, SCRATCH_FAST: fast})
        for tensor, values in zip(self.inputs, inputs, strict=True):
            memory.store(SCRATCH, tensor.offset, _bytes_of(tensor, values))
        run(Machine(self.config, memory, self._kernels, self._limits), self.commands, trace)
        return [_tensor_of(tensor, memory.bytes(SCRATCH, tensor.offset, tensor.size_bytes)) for tensor in self.outputs]


class Model:
    """A file that Vela compiled; `run` needs every operator on the NPU, `operators` serves a caller that runs the others."""

    def __init__(self, container: Container, limits: Limits) -> None:
        self._container = container
        self.inputs: tuple[Tensor, ...] = tuple(container.tensors[i] for i in container.inputs)
        self.outputs: tuple[Tensor, ...] = tuple(container.tensors[i] for i in container.outputs)
        for tensor in (*self.inputs, *self.outputs):
            _ = tensor.size_bytes  # refuses types that are none of ours
        _check_streams(container)
        self.operators: tuple[NpuOperator | Operator, ...] = tuple(
            NpuOperator(container, operator, limits) if operator.name == NPU_OPERATOR else operator
            for operator in container.operators
        )
        if not any(isinstance(operator, NpuOperator) for operator in self.operators):
            raise ContainerError("no ethos-u operator in the file: expected a model that Vela compiled for the NPU")

    def run(self, inputs: Sequence[Array], trace: list[Executed] | None = None) -> list[Array]:
        """The outputs in subgraph order for inputs in subgraph order; operations done are appended to `trace`."""
        if len(inputs) != len(self.inputs):
            raise InputError(f"{len(inputs)} inputs: expected {len(self.inputs)}")
        values: dict[int, Array] = {}
        for tensor, array in zip(self.inputs, inputs, strict=True):
            _bytes_of(tensor, array)
            values[tensor.index] = array
        for operator in self.operators:
            if not isinstance(operator, NpuOperator):
                raise NotModelled(operator.name, "an operator that Vela left to the CPU")
            results = operator.run([self._value(values, tensor) for tensor in operator.inputs], trace)
            values.update((tensor.index, result) for tensor, result in zip(operator.outputs, results, strict=True))
        return [self._value(values, tensor) for tensor in self.outputs]

    @staticmethod
    def _value(values: dict[int, Array], tensor: Tensor) -> Array:
        if tensor.index in values:
            return values[tensor.index]
        if tensor.data:
            return _tensor_of(tensor, np.frombuffer(tensor.data, np.uint8))
        raise ContainerError(f"tensor {tensor.index} `{tensor.name}` is read before anything wrote it")


def _check_streams(container: Container) -> None:
    """Refuses a file whose operators name the same long stream many times."""
    streams = [operator.inputs[0] for operator in container.operators if operator.name == NPU_OPERATOR and operator.inputs]
    total = sum(len(container.tensors[index].data) for index in streams if index >= 0)
    if total > 4 * MAX_WORDS:
        raise StreamError(f"{len(streams)} command streams of {total} bytes together: expected at most {4 * MAX_WORDS}")


def _bytes_of(tensor: Tensor, values: Array) -> NDArray[np.uint8]:
    if str(values.dtype) != tensor.dtype or tuple(values.shape) != tensor.shape:
        raise InputError(
            f"`{tensor.name}` is {values.dtype} {list(values.shape)}: expected {tensor.dtype} {list(tensor.shape)}"
        )
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _tensor_of(tensor: Tensor, data: NDArray[np.uint8]) -> Array:
    if len(data) != tensor.size_bytes:
        raise ContainerError(f"tensor {tensor.index} holds {len(data)} bytes: expected {tensor.size_bytes}")
    values: Array = data.copy().view(tensor.dtype).reshape(tensor.shape)
    return values


def load(path: str | Path, *, npu: str | None = None, limits: Limits | None = None) -> Model:
    """The model in a TFLite file that Vela wrote; with `npu`, such as `ethos-u65-256`, it must be compiled for that one."""
    model = Model(parse(Path(path).read_bytes()), limits or Limits())
    for operator in model.operators:
        if npu is not None and isinstance(operator, NpuOperator) and operator.config.name != npu:
            raise ConfigurationError(f"the command stream is for {operator.config.name}: expected {npu}")
    return model
