"""A command stream on memory that the caller has, as the NPU's base pointers name it: `Stream(word, stream).run(regions)`.

For what brings no model file: an emulated system, or a driver under test. The stream itself says how far it reaches into each
region, and which it writes.
"""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from ethosu_simulator import npu
from ethosu_simulator.command_stream import Command, NpuConfig, Payload, decode, parse_config
from ethosu_simulator.decoder import decode_operations
from ethosu_simulator.errors import NotModelled, StreamError
from ethosu_simulator.fast.plan import Plan
from ethosu_simulator.fast.planner import Planner
from ethosu_simulator.limits import Limits
from ethosu_simulator.machine import Machine
from ethosu_simulator.memory import FeatureMap, Memory
from ethosu_simulator.operations import Computation, Convolution, Depthwise, Dma, Operation, Refused, Stop
from ethosu_simulator.weights import KernelCache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ethosu_simulator.operands import Shape
    from ethosu_simulator.trace import Executed

Bytes = NDArray[np.uint8]

REGIONS = 8
KEPT_PLANS = 2
"""Plans of one stream, each for other constants."""


@dataclass
class Reach:
    """How many bytes of a region a stream reaches, and whether it writes any of them."""

    bytes: int = 0
    written: bool = False


class Stream:
    """A command stream, decoded once; `config_word` is the CONFIG register of the NPU that runs it."""

    def __init__(self, config_word: int, data: bytes, limits: Limits | None = None) -> None:
        if len(data) % 4:
            raise StreamError(f"a command stream of {len(data)} bytes: expected whole words")
        self.config: NpuConfig = parse_config(config_word)
        self.commands: list[Command] = decode(Payload(self.config, struct.unpack(f"<{len(data) // 4}I", data)))
        self._limits = limits or Limits()
        self._kernels = KernelCache()
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
        self.operations: tuple[Operation, ...] = decode_operations(self.commands, self.config)
        self._refused = next((operation for operation in self.operations if isinstance(operation, Refused)), None)

    @cached_property
    def reach(self) -> dict[int, Reach]:
        """How far the stream reaches into each region that it names, up to where it stops.

        NotModelled when the data decide that: a branch, a gather or scatter. MemoryFault when it is more than the limits.
        """
        if self._refused is not None and self._refused.opcode == "NPU_OP_BRANCH":
            raise NotModelled("NPU_OP_BRANCH", "how far a stream with branches reaches")
        if self._refused is not None:
            raise self._refused.error
        return reach_of(self.operations, self._limits)

    def run(self, regions: Mapping[int, Bytes], trace: list[Executed] | None = None) -> None:
        """Runs the stream in place on regions that may be views of one memory; operations done are appended to `trace`."""
        if self._refused is not None or numba.config.DISABLE_JIT or _overlapping(regions):
            npu.run(Machine(self.config, Memory(regions), self._kernels, self._limits), self.operations, trace)
            return
        plan = self._plan(regions)
        world = plan.world()
        written = [region for region in regions if region not in plan.read_only]
        for region in written:
            world.regions.store(region, 0, regions[region])
        plan.run(world, trace)
        for region in written:
            if self.reach[region].written:
                regions[region][:] = world.regions.bytes(region, 0, len(regions[region]))
        plan.give_back(world)

    def _plan(self, regions: Mapping[int, Bytes]) -> Plan:
        """The plan for these sizes, and for these bytes of the regions that the stream never writes."""
        constants = {region: regions[region] for region, found in self.reach.items() if not found.written and region in regions}
        key = _digest({region: len(data) for region, data in regions.items()}, constants)
        if key not in self._plans:
            sizes = {region: len(data) for region, data in regions.items()}
            kept = {region: data.copy() for region, data in constants.items()}
            planner = Planner(self.config, self._kernels, sizes, {}, kept, self._limits)
            self._plans[key] = planner.plan(self.operations)
            while len(self._plans) > KEPT_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return self._plans[key]


def reach_of(operations: tuple[Operation, ...], limits: Limits) -> dict[int, Reach]:
    """How far operations reach into each region that they name; MemoryFault when it is more than the limits."""
    return _Survey(limits).of(operations)


def _digest(sizes: Mapping[int, int], constants: Mapping[int, Bytes]) -> bytes:
    digest = hashlib.blake2b(repr(sorted(sizes.items())).encode())
    for _region, data in sorted(constants.items(), key=lambda item: item[0]):
        digest.update(np.ascontiguousarray(data).data)
    return digest.digest()


def _overlapping(regions: Mapping[int, Bytes]) -> bool:
    return any(np.may_share_memory(one, other) for one, other in combinations(regions.values(), 2))


class _Survey:
    """Notes what each operation would touch; no byte is read or written."""

    def __init__(self, limits: Limits) -> None:
        room = np.empty(limits.memory_bytes, np.uint8)  # never touched, so never backed by memory
        self._memory = Memory(dict.fromkeys(range(REGIONS), room))
        self._found: dict[int, Reach] = {}

    def of(self, operations: tuple[Operation, ...]) -> dict[int, Reach]:
        """The reach of a stream into each region."""
        for operation in operations:
            if isinstance(operation, Stop):
                break
            if isinstance(operation, Dma):
                self._transfer(operation)
            elif isinstance(operation, Computation):
                self._operation(operation)
        return self._found

    def _note(self, region: int, end: int, *, written: bool = False) -> None:
        self._memory.check(region, 0, end)
        reach = self._found.setdefault(region, Reach())
        reach.bytes, reach.written = max(reach.bytes, end), reach.written or written

    def _map(self, where: object, shape: Shape, *, written: bool = False) -> None:
        """A feature map; one that is chained, or a scalar, is in no memory."""
        if isinstance(where, FeatureMap) and min(shape) > 0:
            self._note(where.region, self._memory.extent(where, shape)[1], written=written)

    def _operation(self, operation: Computation) -> None:
        for operand in operation.operands:
            self._map(operand.where, operand.shape)
        if isinstance(operation, (Convolution, Depthwise)):
            for place in (*operation.weights.streams, *operation.weights.scales):
                if place.length:
                    self._note(place.region, place.start + place.length)
        output = operation.output
        if output is not None:
            self._map(output.where, output.stored(operation.shape), written=True)

    def _transfer(self, operation: Dma) -> None:
        """A transfer of one row, or of several to their last one's last byte."""
        if operation.index is not None:
            raise NotModelled("NPU_OP_DMA_START", f"how far a transfer with an index at its {operation.index.side} reaches")
        rows, groups = (count - 1 for count in operation.counts)
        for end, written in ((operation.source, False), (operation.target, True)):
            if end.region is not None and min(rows, groups) >= 0:
                last = end.address + rows * end.row_step + groups * end.group_step
                self._note(end.region, last + operation.length, written=written)
