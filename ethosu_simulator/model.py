"""A compiled model that runs: tensors in, tensors out, every operator on the simulated NPU."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from ethosu_simulator import raw
from ethosu_simulator.command_stream import MAX_WORDS, Command, NpuConfig, decode, parse_payload
from ethosu_simulator.container import Container, Operator, Tensor, parse
from ethosu_simulator.decoder import decode_operations, regions
from ethosu_simulator.errors import ConfigurationError, ContainerError, InputError, MemoryFault, NotModelled, StreamError
from ethosu_simulator.fast.plan import Plan, Planner
from ethosu_simulator.limits import Limits
from ethosu_simulator.machine import Machine
from ethosu_simulator.memory import Memory
from ethosu_simulator.npu import run
from ethosu_simulator.weights import KernelCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethosu_simulator.operations import Operation
    from ethosu_simulator.trace import Executed

Array = NDArray[Any]
NPU_OPERATOR = "ethos-u"
READ_ONLY, SCRATCH, SCRATCH_FAST, INPUTS, OUTPUTS = 0, 1, 2, 3, 4


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
        # Inputs and outputs have regions of their own when the stream names those (`--separate-io-regions`).
        used = regions(self.commands)
        self._places = {region: region for region in (INPUTS, OUTPUTS) if region in used}
        self._limits = limits
        self._plan: Plan | None = None
        self._interpreted = bool(numba.config.DISABLE_JIT)  # steps exist as compiled code only
        for tensor in (self._scratch, self._fast):
            if tensor.size_bytes > limits.memory_bytes:
                raise MemoryFault(f"scratch of {tensor.size_bytes} bytes: expected at most {limits.memory_bytes}")

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The stream's typed operations."""
        return decode_operations(self.commands, self.config)

    def run(self, inputs: Sequence[Array], trace: list[Executed] | None = None) -> list[Array]:
        """The operator's outputs for its inputs, in its own order."""
        if self._interpreted:
            return self.interpret(inputs, trace)
        if self._plan is None:
            self._plan = self._planned()
        world = self._plan.world()
        self._store(world.regions, inputs)
        self._plan.run(world, trace)
        outputs = self._load(world.regions)
        self._plan.give_back(world)
        return outputs

    def interpret(self, inputs: Sequence[Array], trace: list[Executed] | None = None) -> list[Array]:
        """What `run` does, command by command and without a plan: slower, and the reference that plans are tested against."""
        memory = self._memory()
        self._store(memory, inputs)
        run(Machine(self.config, memory, self._kernels, self._limits), self.operations, trace)
        return self._load(memory)

    def _memory(self) -> Memory:
        """Regions of zeros, and the constants."""
        sizes, owners = self._regions()
        regions = {region: np.zeros(size, np.uint8) for region, size in sizes.items() if region not in owners}
        regions |= {region: regions[owner] for region, owner in owners.items()} | {READ_ONLY: self._read_only}
        return Memory(regions)

    def _regions(self) -> tuple[dict[int, int], dict[int, int]]:
        """The bytes of each region, and the regions that are another name for one of these."""
        sizes = {READ_ONLY: len(self._read_only), SCRATCH: self._scratch.size_bytes, SCRATCH_FAST: self._fast.size_bytes}
        for region, tensors in ((INPUTS, self.inputs), (OUTPUTS, self.outputs)):
            if region in self._places:
                sizes[region] = self._extent(tensors)
        return sizes, {SCRATCH_FAST: SCRATCH} if self._fast.index == self._scratch.index else {}

    def _extent(self, tensors: Sequence[Tensor]) -> int:
        """The bytes of a region that holds these tensors at their offsets."""
        extent = max((max(tensor.offset, 0) + tensor.size_bytes for tensor in tensors), default=0)
        if extent > self._limits.memory_bytes:
            raise MemoryFault(f"inputs or outputs of {extent} bytes: expected at most {self._limits.memory_bytes}")
        return extent

    def _planned(self) -> Plan:
        sizes, owners = self._regions()
        planner = Planner(self.config, self._kernels, sizes, owners, {READ_ONLY: self._read_only}, self._limits)
        return planner.plan(self.operations)

    def _store(self, memory: Memory, inputs: Sequence[Array]) -> None:
        for tensor, values in zip(self.inputs, inputs, strict=True):
            memory.store(self._places.get(INPUTS, SCRATCH), tensor.offset, _bytes_of(tensor, values))

    def _load(self, memory: Memory) -> list[Array]:
        region = self._places.get(OUTPUTS, SCRATCH)
        return [_tensor_of(tensor, memory.bytes(region, tensor.offset, tensor.size_bytes)) for tensor in self.outputs]


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
            _check_input(tensor, array)
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
        if tensor.is_variable:
            return np.zeros(tensor.shape, tensor.dtype)
        if tensor.data:
            return _tensor_of(tensor, np.frombuffer(tensor.data, np.uint8))
        raise ContainerError(f"tensor {tensor.index} `{tensor.name}` is read before anything wrote it")


def _check_streams(container: Container) -> None:
    """Refuses a file whose operators name the same long stream many times."""
    streams = [operator.inputs[0] for operator in container.operators if operator.name == NPU_OPERATOR and operator.inputs]
    total = sum(len(container.tensors[index].data) for index in streams if index >= 0)
    if total > 4 * MAX_WORDS:
        raise StreamError(f"{len(streams)} command streams of {total} bytes together: expected at most {4 * MAX_WORDS}")


def _check_input(tensor: Tensor, values: Array) -> None:
    if values.dtype != tensor.dtype or values.shape != tensor.shape:
        raise InputError(
            f"`{tensor.name}` is {values.dtype} {list(values.shape)}: expected {tensor.dtype} {list(tensor.shape)}"
        )


def _bytes_of(tensor: Tensor, values: Array) -> NDArray[np.uint8]:
    _check_input(tensor, values)
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _tensor_of(tensor: Tensor, data: NDArray[np.uint8]) -> Array:
    if len(data) != tensor.size_bytes:
        raise ContainerError(f"tensor {tensor.index} holds {len(data)} bytes: expected {tensor.size_bytes}")
    values: Array = data.copy().view(tensor.dtype).reshape(tensor.shape)
    return values


def load(path: str | Path, *, npu: str | None = None, limits: Limits | None = None) -> Model:
    """The model in a file that Vela wrote, TFLite or raw npz; with `npu`, such as `ethos-u65-256`, it must be for that one."""
    data, limits = Path(path).read_bytes(), limits or Limits()
    model = Model(raw.parse(data, limits) if data[:4] == raw.MAGIC else parse(data), limits)
    for operator in model.operators:
        if npu is not None and isinstance(operator, NpuOperator) and operator.config.name != npu:
            raise ConfigurationError(f"the command stream is for {operator.config.name}: expected {npu}")
    return model
