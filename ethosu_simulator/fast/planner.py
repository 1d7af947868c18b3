"""A command stream turned once into a plan: follows its operations, its constants and its chaining buffers.

An operation that cannot be lowered, whatever the reason, is done by `npu.do` when its turn comes: its errors are raised there,
after everything before it was done, as if there were no plan.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator import npu
from ethosu_simulator.errors import SimulatorError, StreamError
from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.constants import ConstantMemory
from ethosu_simulator.fast.executor import available_threads
from ethosu_simulator.fast.feature_maps import Map, dense
from ethosu_simulator.fast.lowering import lower
from ethosu_simulator.fast.place import MAX_CHAINED_BYTES, Place
from ethosu_simulator.fast.plan import InterpretedOperation, Plan, Stretch
from ethosu_simulator.fast.program import ALIGNMENT, Builder
from ethosu_simulator.limits import Limits
from ethosu_simulator.machine import Machine
from ethosu_simulator.operands import Chain
from ethosu_simulator.operations import Computation, Dma, Operation, Stop
from ethosu_simulator.products import TABLE_BYTES
from ethosu_simulator.trace import Executed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.weights import KernelCache

Bytes = NDArray[np.uint8]

OVERRUN_BYTES = 256  # vector loads may look this far behind the last region


class Planner:
    """Follows one stream and fills a Plan."""

    def __init__(self, config: NpuConfig, kernels: KernelCache, sizes: Mapping[int, int], owners: Mapping[int, int],
                 read_only: Mapping[int, Bytes], limits: Limits) -> None:  # fmt: skip
        self._config, self._kernels, self._read_only, self._limits = config, kernels, dict(read_only), limits
        self._sizes = dict(sizes)
        self._starts: dict[int, int] = {}
        self._end = 0
        for region, size in sizes.items():
            owner = owners.get(region, region)
            self._starts[region] = self._starts[owner] if owner in self._starts else self._take(size)
        self._tables_start = self._take(TABLE_BYTES)
        shadows = {region: self._read_only.get(region, np.zeros(size, np.uint8)) for region, size in sizes.items()}
        regions = {region: shadows[owners.get(region, region)] for region in sizes}
        self._memory = ConstantMemory(regions, frozenset(self._read_only))
        self._machine = Machine(config, self._memory, kernels, limits)
        self._builder, self._items = Builder(), list[Stretch | InterpretedOperation]()
        self._chained: dict[int, Map] = {}
        self._rooms: dict[int, tuple[int, int]] = {}
        self._tables_known, self._threads = True, available_threads()

    def _take(self, size: int) -> int:
        start = self._end
        self._end += size + -size % ALIGNMENT
        return start

    def _chain_start(self, buffer: int, size: int) -> int:
        start, room = self._rooms.get(buffer, (0, -1))
        if room < size:
            room = 1 << max(6, (size - 1).bit_length())
            start = self._take(room)
            self._rooms[buffer] = start, room
        return start

    def plan(self, operations: Sequence[Operation]) -> Plan:
        """The plan of the stream."""
        ending: StreamError | None = StreamError(npu.NO_STOP)
        for operation in operations:
            if isinstance(operation, Stop):
                ending = None
                break
            if not isinstance(operation, npu.NO_EFFECT):
                self._operation(operation)
        self._end += OVERRUN_BYTES
        return Plan(
            config=self._config,
            kernels=self._kernels,
            limits=self._limits,
            read_only=self._read_only,
            sizes=self._sizes,
            starts=self._starts,
            tables_start=self._tables_start,
            world_bytes=self._end,
            items=self._items,
            program=self._builder.finish(self._threads),
            ending=ending,
        )

    def _operation(self, operation: Operation) -> None:
        spent = self._machine.spent
        try:
            executed = self._step(operation)
        except SimulatorError:
            executed = None
        if executed is None:
            self._leave(operation, spent)
        elif self._items and isinstance(self._items[-1], Stretch):
            self._items[-1].last = len(self._builder)
            self._items[-1].executed.append(executed)
        else:
            self._items.append(Stretch(len(self._builder) - 1, len(self._builder), [executed]))

    def _step(self, operation: Operation) -> Executed | None:
        """What a trace says of an operation that has become a step; None when it has not."""
        if isinstance(operation, Dma):
            return Executed(operation, (operation.length,), 0) if self._copy(operation) else None
        if not isinstance(operation, Computation):
            return None
        self._machine.spend(*npu.cost(operation))
        place = Place(
            machine=self._machine,
            builder=self._builder,
            starts=self._starts,
            tables_start=self._tables_start,
            chained=self._chained,
            chain_start=self._chain_start,
            tables_known=self._tables_known,
            threads=self._threads,
        )
        written, output = lower(place, operation), operation.output
        if written is None or output is None:
            return None
        if isinstance(output.where, Chain):
            self._chained[output.where.buffer] = written
        else:
            start = self._starts[output.where.region]
            self._memory.forget(output.where.region, written.low - start, written.high - start)
        return Executed(operation, operation.shape, npu.macs(operation))

    def _copy(self, operation: Dma) -> bool:
        """True for a transfer in one dimension between regions, or into the table memory, which becomes a step."""
        source, target, length = operation.source, operation.target, operation.length
        if operation.stride_mode != "D1" or operation.index is not None or source.region is None:
            return False
        self._machine.spend(length + 1)
        self._memory.check(source.region, source.address, length)
        content = self._memory.known(source.region, source.address, length)
        start = self._starts[source.region] + source.address
        to = self._to_table(operation, content) if target.region is None else self._to_region(operation, start, content)
        if to is None:
            return False
        self._builder.step({at.KIND: at.COPY, at.SOURCE: start, at.TARGET: to, at.LENGTH: length}, length // 8)
        return True

    def _to_table(self, operation: Dma, content: Bytes | None) -> int | None:
        """Where in a world a transfer into the table memory goes; None when it would leave it."""
        to = operation.target.address - self._machine.tables_at
        if not 0 <= to <= TABLE_BYTES - operation.length:
            return None
        if content is None:
            self._tables_known = False
        else:
            self._machine.tables[to : to + operation.length] = content
        return self._tables_start + to

    def _to_region(self, operation: Dma, start: int, content: Bytes | None) -> int | None:
        """Where in a world a transfer into a region goes; None when it overlaps its source, at `start`."""
        target, length = operation.target, operation.length
        assert target.region is not None
        self._memory.check(target.region, target.address, length)
        self._memory.check_writable(target.region)
        to = self._starts[target.region] + target.address
        if start < to + length and to < start + length:
            return None
        if content is None:
            self._memory.forget(target.region, target.address, target.address + length)
        else:
            self._memory.store(target.region, target.address, content.copy())
        return to

    def _leave(self, operation: Operation, spent: int) -> None:
        """Leaves the operation to ethosu_simulator.npu and forgets what it may overwrite."""
        before, chains = dict(self._chained), None
        try:
            chains = self._forget_output(operation)
        except SimulatorError:  # the operation will say so itself, if it comes to that
            self._memory.forget_all()
        self._items.append(InterpretedOperation(operation, before, chains, spent))

    def _forget_output(self, operation: Operation) -> tuple[int, Map] | None:
        if not isinstance(operation, Computation):
            self._tables_known = False
            self._memory.forget_all()
            return None
        output, shape = operation.output, operation.shape
        if output is None:
            return None
        if isinstance(output.where, Chain):
            size, buffer = math.prod(shape) * np.dtype(output.dtype).itemsize, output.where.buffer
            if size >= MAX_CHAINED_BYTES:
                raise StreamError(f"a chaining buffer of {size} bytes: expected less than {MAX_CHAINED_BYTES}")
            self._chained[buffer] = dense(self._chain_start(buffer, size), shape, output.dtype)
            return buffer, self._chained[buffer]
        self._memory.forget(output.where.region, *self._memory.extent(output.where, output.stored(shape)))
        return None
