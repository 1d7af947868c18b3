"""What runs of a command stream: stretches of steps, and between them operations left to ethosu_simulator.npu."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator import npu
from ethosu_simulator.errors import StreamError
from ethosu_simulator.fast.executor import run_steps
from ethosu_simulator.fast.feature_maps import Map
from ethosu_simulator.fast.program import Program, aligned
from ethosu_simulator.limits import Limits
from ethosu_simulator.machine import Machine
from ethosu_simulator.memory import Memory
from ethosu_simulator.operations import Operation
from ethosu_simulator.products import TABLE_BYTES
from ethosu_simulator.trace import Executed

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.weights import KernelCache

Bytes = NDArray[np.uint8]

MAX_IDLE_WORLDS = 2


@dataclass
class Stretch:
    """Steps first .. last, and what a trace says of them."""

    first: int
    last: int
    executed: list[Executed]


@dataclass(frozen=True)
class InterpretedOperation:
    """An operation for ethosu_simulator.npu: chaining buffers found, where its own goes, work spent before."""

    operation: Operation
    chained: dict[int, Map]
    chains: tuple[int, Map] | None
    spent: int


@dataclass
class World:
    """One run's memory: all regions, tables and chaining buffers in one array, and the counters of its steps.

    `cleared` is what another run must find zero.
    """

    memory: Bytes
    regions: Memory
    tables: Bytes
    counters: NDArray[np.int64]
    cleared: tuple[NDArray[Any], ...]


@dataclass
class Plan:
    """What runs, in order; `program` has the steps, `starts` says where each region begins in a world."""

    config: NpuConfig
    kernels: KernelCache
    limits: Limits
    read_only: dict[int, Bytes]
    sizes: dict[int, int]
    starts: dict[int, int]
    tables_start: int
    world_bytes: int
    items: list[Stretch | InterpretedOperation]
    program: Program
    ending: StreamError | None
    _idle: list[World] = field(default_factory=list)

    def world(self) -> World:
        """Memory for one run: constants in place, all else zero."""
        try:
            world = self._idle.pop()
        except IndexError:
            return self._new_world()
        for values in world.cleared:
            values.fill(0)
        return world

    def give_back(self, world: World) -> None:
        """Keeps a world for the next run."""
        if len(self._idle) < MAX_IDLE_WORLDS:
            self._idle.append(world)

    def _new_world(self) -> World:
        memory = aligned(self.world_bytes)
        regions = {}
        for region, start in self.starts.items():
            regions[region] = memory[start : start + self.sizes[region]]
            if region in self.read_only:
                regions[region][:] = self.read_only[region]
                regions[region].flags.writeable = False
        tables = memory[self.tables_start : self.tables_start + TABLE_BYTES]
        counters = np.zeros(2 * len(self.program.steps) + 2, np.int64)
        written = [data for region, data in regions.items() if region not in self.read_only]
        return World(
            memory=memory, regions=Memory(regions), tables=tables, counters=counters, cleared=(*written, tables, counters)
        )

    def run(self, world: World, trace: list[Executed] | None) -> None:
        """Does everything in order; each operation done is appended to `trace`."""
        done = [] if trace is None else trace
        machine = None
        for item in self.items:
            if isinstance(item, Stretch):
                run_steps(self.program, world.memory, world.counters, item.first, item.last)
                done.extend(item.executed)
                continue
            if machine is None:
                machine = Machine(self.config, world.regions, self.kernels, self.limits)
                machine.tables = world.tables
            done.append(_do(machine, item, world))
        if self.ending is not None:
            raise self.ending


def _do(machine: Machine, item: InterpretedOperation, world: World) -> Executed:
    """One operation by ethosu_simulator.npu, with the chaining buffers that steps left and for those that come."""
    machine.spent = item.spent
    machine.chained = {buffer: _view(world, found) for buffer, found in item.chained.items()}
    executed = npu.do(machine, item.operation)
    if item.chains is not None and item.chains[0] in machine.chained:
        buffer, found = item.chains
        _view(world, found)[...] = machine.chained[buffer]
    return executed


def _view(world: World, found: Map) -> NDArray[np.generic]:
    values: NDArray[np.generic] = world.memory[found.low : found.high].view(found.dtype).reshape(found.shape)
    return values
