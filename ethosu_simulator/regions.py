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
from ethosu_simulator.errors import NotModelled, StreamError
from ethosu_simulator.fast.plan import Plan, Planner
from ethosu_simulator.limits import Limits
from ethosu_simulator.machine import Machine
from ethosu_simulator.memory import Memory
from ethosu_simulator.ops.elementwise import UNARY
from ethosu_simulator.ops.feature_maps import feature_map
from ethosu_simulator.ops.window import window
from ethosu_simulator.weights import KernelCache

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        self._branches = any(command.register.name == "OP_BRANCH" for command in self.commands)

    @cached_property
    def reach(self) -> dict[int, Reach]:
        """How far the stream reaches into each region that it names, up to where it stops.

        NotModelled when the data decide that: a branch, a gather or scatter. MemoryFault when it is more than the limits.
        """
        if self._branches:
            raise NotModelled("NPU_OP_BRANCH", "how far a stream with branches reaches")
        return _Survey(self.config, self._kernels, self._limits).of(self.commands)

    def run(self, regions: Mapping[int, Bytes], trace: list[Executed] | None = None) -> None:
        """Runs the stream in place on regions that may be views of one memory; operations done are appended to `trace`."""
        if self._branches or numba.config.DISABLE_JIT or _overlapping(regions):
            npu.run(Machine(self.config, Memory(regions), self._kernels, self._limits), self.commands, trace)
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
            self._plans[key] = planner.plan(self.commands)
            while len(self._plans) > KEPT_PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return self._plans[key]


def _digest(sizes: Mapping[int, int], constants: Mapping[int, Bytes]) -> bytes:
    digest = hashlib.blake2b(repr(sorted(sizes.items())).encode())
    for _region, data in sorted(constants.items(), key=lambda item: item[0]):
        digest.update(np.ascontiguousarray(data).data)
    return digest.digest()


def _overlapping(regions: Mapping[int, Bytes]) -> bool:
    return any(np.may_share_memory(one, other) for one, other in combinations(regions.values(), 2))


class _Survey:
    """Follows the registers of a stream and notes what each operation would touch; no byte is read or written."""

    def __init__(self, config: NpuConfig, kernels: KernelCache, limits: Limits) -> None:
        room = np.empty(limits.memory_bytes, np.uint8)  # never touched, so never backed by memory
        self._memory = Memory(dict.fromkeys(range(REGIONS), room))
        self._machine = Machine(config, self._memory, kernels, limits)
        self._found: dict[int, Reach] = {}

    def of(self, commands: list[Command]) -> dict[int, Reach]:
        """The reach of a stream into each region."""
        for command in commands:
            name = command.register.name
            if not command.register.is_operation:
                self._machine.registers.set(command)
            elif name == "OP_STOP":
                break
            elif name == "OP_DMA_START":
                self._transfer()
            elif name in npu.OPERATIONS:
                self._operation(command)
        return self._found

    def _note(self, region: int, end: int, *, written: bool = False) -> None:
        self._memory.check(region, 0, end)
        reach = self._found.setdefault(region, Reach())
        reach.bytes, reach.written = max(reach.bytes, end), reach.written or written

    def _operation(self, command: Command) -> None:
        name, machine = command.register.name, self._machine
        shape = machine.ofm_shape()
        if name == "OP_ELEMENTWISE":
            for which in ("IFM",) if command.choice("elementwise_mode") in UNARY else ("IFM", "IFM2"):
                self._operand(which, shape)
        else:
            self._window(command)
        if name in ("OP_CONV", "OP_DEPTHWISE"):
            self._constants()
        if machine.accumulation()[1] and machine.storage("OFM") == "TILE2X2":
            order = machine.turned()[1] if machine.is_u85 else (0, 1, 2)
            self._map("OFM", (shape[order[0]], shape[order[1]], shape[order[2]]), written=True)

    def _window(self, command: Command) -> None:
        """The input under the window of a convolution or pooling, or of a resizing."""
        registers = self._machine.registers
        if command.register.name == "OP_POOL" and command.choice("pooling_mode") == "NONE":
            return
        if command.register.name == "OP_RESIZE":
            raise NotModelled("NPU_OP_RESIZE", "how far a resizing reaches")
        win = window(registers)
        if min(win.ifm_height, win.ifm_width) > 0 and self._machine.storage("IFM") == "TILE2X2":
            self._map("IFM", (win.ifm_height, win.ifm_width, registers.number("IFM_DEPTH_M1") + 1))
        if command.register.name == "OP_CONV" and self._machine.is_u85 and command.get("weights_ifm2"):
            raise NotModelled("NPU_OP_CONV", "how far a matrix product reaches")

    def _operand(self, which: str, shape: tuple[int, int, int]) -> None:
        broadcast, scalar = self._machine.broadcast(which)
        if scalar is None and self._machine.storage(which) == "TILE2X2":
            height, width, depth = (1 if broadcast >> axis & 1 else size for axis, size in enumerate(shape))
            self._map(which, (height, width, depth))

    def _map(self, which: str, shape: tuple[int, int, int], *, written: bool = False) -> None:
        where = feature_map(self._machine.registers, which)
        self._note(where.region, self._memory.extent(where, shape)[1], written=written)

    def _constants(self) -> None:
        """Weights and scales, of each core or stream that has any."""
        registers = self._machine.registers
        for kind, cores in (("WEIGHT", ("", "1", "2", "3")), ("SCALE", ("", "1"))):
            for core in cores:
                name = f"{kind}{core}"
                if registers.has(f"{name}_LENGTH") and registers.number(f"{name}_LENGTH"):
                    end = registers.number(f"{name}_BASE") + registers.number(f"{name}_LENGTH")
                    self._note(registers.number(f"{kind}_REGION"), end)

    def _transfer(self) -> None:
        """A transfer; in two or three dimensions from the first row's first byte to the last one's last."""
        registers, machine = self._machine.registers, self._machine
        modes = [registers.choice("DMA0_SRC_REGION" if machine.is_u85 else "DMA0_DST_REGION", "stride_mode")]
        if machine.is_u85:
            modes += [registers.choice(f"DMA0_{side}_REGION", "idx_mode") for side in ("SRC", "DST")]
        if modes[0] != "D1" or "ENABLED" in modes:
            raise NotModelled("NPU_OP_DMA_START", f"how far a transfer of {' '.join(modes)} reaches")
        length = registers.number("DMA0_LEN")
        self._note(registers.number("DMA0_SRC_REGION"), registers.number("DMA0_SRC") + length)
        if registers.choice("DMA0_DST_REGION", "region_mode") == "EXTERNAL":
            self._note(registers.number("DMA0_DST_REGION"), registers.number("DMA0_DST") + length, written=True)
