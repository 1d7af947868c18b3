"""One `ethos-u` operator of a file: its stream, its constants, and where its inputs and outputs lie."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.arena import Arena, bytes_of, check_size, extent, new_arena, tensor_of
from ethosu_simulator.command_stream import Command, NpuConfig, decode, parse_payload
from ethosu_simulator.container import Container, Operator, Tensor
from ethosu_simulator.decoder import decode_operations, regions
from ethosu_simulator.errors import ContainerError, InputError
from ethosu_simulator.fast.plan import Plan
from ethosu_simulator.fast.planner import Planner
from ethosu_simulator.machine import Machine
from ethosu_simulator.memory import Memory
from ethosu_simulator.npu import run
from ethosu_simulator.weights import KernelCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethosu_simulator.limits import Limits
    from ethosu_simulator.operations import Operation
    from ethosu_simulator.trace import Executed

Array = NDArray[Any]
NPU_OPERATOR = "ethos-u"
READ_ONLY, SCRATCH, SCRATCH_FAST, INPUTS, OUTPUTS = 0, 1, 2, 3, 4


class NpuOperator:
    """An operator that runs in the arena of its file; `alone` says that the file has no other."""

    def __init__(self, container: Container, operator: Operator, limits: Limits) -> None:
        if len(operator.inputs) < 4 or min(operator.inputs) < 0 or min(operator.outputs, default=0) < 0:
            raise ContainerError(f"ethos-u operator with inputs {operator.inputs}: expected at least four, none left out")
        tensors = [container.tensors[i] for i in operator.inputs]
        payload = parse_payload(tensors[0].data)
        self.config: NpuConfig = payload.config
        self.commands: list[Command] = decode(payload)
        self.inputs: tuple[Tensor, ...] = tuple(tensors[4:])
        self.outputs: tuple[Tensor, ...] = tuple(container.tensors[i] for i in operator.outputs)
        for tensor in (*self.inputs, *self.outputs, *tensors[2:4]):
            check_size(tensor, limits)
        self.alone = len(container.operators) == 1
        self.stream_bytes = 4 * len(payload.words)
        self.constant_bytes = len(tensors[1].data)
        self._read_only = np.frombuffer(tensors[1].data, np.uint8)
        self._scratch, self._fast = tensors[2], tensors[3]
        self._kernels = KernelCache()
        # Inputs and outputs have regions of their own when the stream names those (`--separate-io-regions`).
        used = regions(self.commands)
        self._places = {region: region for region in (INPUTS, OUTPUTS) if region in used}
        self._limits = limits
        self._main_bytes = self._arena_bytes(container)
        self._stored = tuple((tensor, *self._place(INPUTS, tensor)) for tensor in self.inputs)
        self._loaded = tuple((tensor, *self._place(OUTPUTS, tensor)) for tensor in self.outputs)
        self._plan: Plan | None = None
        self._interpreted = bool(numba.config.DISABLE_JIT)  # steps exist as compiled code only

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The stream's typed operations."""
        return decode_operations(self.commands, self.config)

    @property
    def constants(self) -> NDArray[np.uint8]:
        """The bytes of the read-only region: weights, scales and tables."""
        return self._read_only

    def _arena_bytes(self, container: Container) -> int:
        """The bytes of the file's arena: what it must hold for every tensor of the file, scratch among them."""
        elsewhere = {tensor.index for region, tensors in self._own_regions() for tensor in tensors} | {self._fast.index}
        elsewhere -= {self._scratch.index}
        return max(
            extent((tensor for tensor in container.tensors if tensor.index not in elsewhere), self._limits),
            self._base + self._scratch.size_bytes,
        )

    def _own_regions(self) -> list[tuple[int, tuple[Tensor, ...]]]:
        """Regions of inputs and outputs outside the arena, and the tensors in them."""
        return [(region, side) for region, side in ((INPUTS, self.inputs), (OUTPUTS, self.outputs)) if region in self._places]

    @property
    def outside(self) -> frozenset[int]:
        """Indices of tensors that this operator keeps in regions of their own: they have no place in the arena."""
        return frozenset(tensor.index for _, tensors in self._own_regions() for tensor in tensors)

    @property
    def _base(self) -> int:
        return max(self._scratch.offset, 0)

    @property
    def _shares_fast(self) -> bool:
        return self._fast.index == self._scratch.index

    @property
    def one_arena(self) -> bool:
        """Whether the fast scratch is the arena itself: by tensor, or (raw files name two) by size."""
        return self._shares_fast or self._fast.size_bytes == self._scratch.size_bytes

    @property
    def arena_sizes(self) -> tuple[int, int]:
        """The bytes that the file's arena needs, and its fast scratch."""
        return self._main_bytes, 0 if self._shares_fast else self._fast.size_bytes

    def run(self, inputs: Sequence[Array], trace: list[Executed] | None = None, arena: Arena | None = None) -> list[Array]:
        """The operator's outputs for its inputs, in its own order, worked out in `arena`, which holds what it leaves there.

        Without an arena one of zeros: InputError when the file has other operators, since those leave data that this one reads.
        """
        self._require(arena)
        if self._interpreted:
            return self.interpret(inputs, trace, arena)
        if self._plan is None:
            self._plan = self._planned()
        world = self._plan.world()
        kept = self._of_arena(arena)
        for region, data in kept.items():
            world.regions.bytes(region, 0, len(data))[:] = data
        self._store(world.regions, inputs)
        self._plan.run(world, trace)
        for region, data in kept.items():
            data[:] = world.regions.bytes(region, 0, len(data))
        outputs = self._load(world.regions)
        self._plan.give_back(world)
        return outputs

    def interpret(
        self, inputs: Sequence[Array], trace: list[Executed] | None = None, arena: Arena | None = None
    ) -> list[Array]:
        """What `run` does, command by command and without a plan: slower, and the reference that plans are tested against."""
        self._require(arena)
        machine = self.machine(inputs, Machine, arena)
        run(machine, self.operations, trace)
        return self._load(machine.memory)

    def machine(self, inputs: Sequence[Array], kind: type[Machine], arena: Arena | None = None) -> Machine:
        """A machine before the stream's first command, the inputs in its memory."""
        memory = self._memory(arena or new_arena(*self.arena_sizes))
        self._store(memory, inputs)
        return kind(self.config, memory, self._kernels, self._limits)

    def results(self, machine: Machine) -> list[Array]:
        """The outputs that a machine has computed."""
        return self._load(machine.memory)

    def _require(self, arena: Arena | None) -> None:
        if arena is None and not self.alone:
            raise InputError(
                "an ethos-u operator beside others reads what they left in the arena: expected `arena=`; `Model.run` has it"
            )

    def _of_arena(self, arena: Arena | None) -> dict[int, NDArray[np.uint8]]:
        """The regions that lie in the arena, as views of it."""
        if arena is None:
            return {}
        found = {SCRATCH: arena.main[self._base : self._main_bytes]}
        if not self._shares_fast:
            found[SCRATCH_FAST] = arena.fast[: self._fast.size_bytes]
        return found

    def _memory(self, arena: Arena) -> Memory:
        """The arena's regions, those of inputs and outputs beside it, and the constants."""
        sizes, owners = self._regions()
        found = {READ_ONLY: self._read_only, **self._of_arena(arena)}
        found |= {region: np.zeros(sizes[region], np.uint8) for region, _ in self._own_regions()}
        return Memory(found | {region: found[owner] for region, owner in owners.items()})

    def _regions(self) -> tuple[dict[int, int], dict[int, int]]:
        """The bytes of each region, and the regions that are another name for one of these."""
        sizes = {READ_ONLY: len(self._read_only), SCRATCH: self._main_bytes - self._base, SCRATCH_FAST: self._fast.size_bytes}
        sizes |= {region: extent(tensors, self._limits) for region, tensors in self._own_regions()}
        if self._shares_fast:
            sizes[SCRATCH_FAST] = sizes[SCRATCH]
        return sizes, {SCRATCH_FAST: SCRATCH} if self._shares_fast else {}

    def _planned(self) -> Plan:
        sizes, owners = self._regions()
        planner = Planner(self.config, self._kernels, sizes, owners, {READ_ONLY: self._read_only}, self._limits)
        return planner.plan(self.operations)

    def _store(self, memory: Memory, inputs: Sequence[Array]) -> None:
        for (tensor, region, start), values in zip(self._stored, inputs, strict=True):
            data = bytes_of(tensor, values)
            if tensor.offset >= 0:  # else it is listed, but no command reads it
                memory.store(region, start, data)

    def _load(self, memory: Memory) -> list[Array]:
        return [tensor_of(tensor, memory.bytes(region, start, tensor.size_bytes)) for tensor, region, start in self._loaded]

    def _place(self, side: int, tensor: Tensor) -> tuple[int, int]:
        """(region, byte) where a tensor of that side lies."""
        return (side, tensor.offset) if side in self._places else (SCRATCH, tensor.offset - self._base)
