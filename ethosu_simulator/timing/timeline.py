"""Command after command: transfers, waits and operations in the order and overlap of the command stream.

Commands are taken in order. A transfer begins when at most `transfers` are unfinished; waits hold back what follows; an
operation begins when fewer than KERNELS_IN_FLIGHT are unfinished. Operations are reckoned when something needs their end:
transfers which run beside them are known by then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.operations import Computation, Dma, Operation, Refused, Stop, Wait, Windowed
from ethosu_simulator.timing import ports
from ethosu_simulator.timing.constants import NOWHERE
from ethosu_simulator.timing.hardware import (
    BURST_BYTES,
    CHUNK_CYCLES,
    COMMAND_FETCHES,
    IFM_BUFFER,
    IN_FLIGHT_USE,
    KERNELS_IN_FLIGHT,
    OUTPUT_CYCLES,
    WEIGHT_BUFFER,
    Npu,
)
from ethosu_simulator.timing.schedule import (
    CAUSES,
    HELD_BLOCK,
    IDEAL,
    KEPT_BLOCKS,
    OWN,
    SERIAL,
    UNITS,
    USUAL,
    Bus,
    Demand,
    Progress,
    run_operation,
)
from ethosu_simulator.timing.traffic import run_cost
from ethosu_simulator.timing.work import Work

if TYPE_CHECKING:
    from ethosu_simulator.timing.memories import Memory
    from ethosu_simulator.timing.places import Places

Floats = NDArray[np.float64]
MAX_ROWS = 1 << 16  # of one transfer


@dataclass(frozen=True)
class Step:
    """An operation and what it asks for; a transfer and the beats of (source, target)."""

    operation: Operation
    work: Work | None = None
    beats: tuple[float, float] = (0.0, 0.0)
    bursts: tuple[float, float] = (0.0, 0.0)


@dataclass
class Timed:
    """When an operation ended, and why its cycles passed (schedule.py's causes)."""

    step: Step
    end: float
    causes: Floats


@dataclass
class Timeline:
    """The NPU while a stream runs."""

    npu: Npu
    memory: Memory
    places: Places
    mode: int = USUAL
    timed: list[Timed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limits = ports.limits_of(self.memory, self.npu.bus_bytes)
        count = len(self.limits)
        if self.mode == IDEAL:
            self.limits[:, ports.WRITES] = 0.0
        self.state = np.zeros((count, ports.STATES))
        self.background = np.zeros((0, ports.TRANSFER))
        self.used = np.full((count, ports.WINDOWS, 2), -1.0)
        self.transfers = np.full((count, ports.WINDOWS, 2), -1.0)
        self.units = np.zeros(UNITS)
        self.written = np.zeros(KEPT_BLOCKS)
        self.now = COMMAND_FETCHES * self.limits[self.places.constants, ports.READ_LATENCY]
        self.ends: list[float] = []
        self.areas: dict[tuple[int, ...], NDArray[np.int64]] = {}
        self.pending: deque[tuple[float, Step]] = deque()
        self.issued = 0
        self.dma_ends: list[float] = []
        self.dma_free = 0.0

    def run(self, steps: list[Step]) -> float:
        """The cycle at which all is done."""
        for step in steps:
            self._take(step)
        self._reckon(0)
        return float(max([self.now, *self.ends[-1:], *self.dma_ends[-1:]]))

    def _take(self, step: Step) -> None:
        operation = step.operation
        if isinstance(operation, Refused):
            raise operation.error
        if isinstance(operation, Dma):
            self._transfer(step, operation)
        elif isinstance(operation, Wait):
            self._wait(operation)
        elif isinstance(operation, Computation):
            if self.issued >= KERNELS_IN_FLIGHT or (self.mode == SERIAL and self.issued):
                self._until(0 if self.mode == SERIAL else KERNELS_IN_FLIGHT - 1)
            self.pending.append((self.now, step))
            self.issued += 1

    def _until(self, unfinished: int) -> None:
        """Holds back what follows until at most so many operations are unfinished."""
        self._reckon(unfinished)
        if self.issued > unfinished:
            self.now = max(self.now, self.ends[self.issued - 1 - unfinished])

    def _wait(self, operation: Wait) -> None:
        if operation.what == "KERNEL":
            self._until(operation.outstanding)
        elif len(self.dma_ends) > operation.outstanding:
            self.now = max(self.now, self.dma_ends[-1 - operation.outstanding])

    def _reckon(self, left: int) -> None:
        while len(self.pending) > left:
            issued, step = self.pending.popleft()
            causes = np.zeros(CAUSES)
            end = self._operation(issued, step, causes)
            self.ends.append(max(end, self.ends[-1] if self.ends else 0.0))
            self.timed.append(Timed(step, self.ends[-1], causes))

    def _operation(self, issued: float, step: Step, causes: Floats) -> float:
        work, operation = step.work, step.operation
        assert work is not None
        assert isinstance(operation, Computation)
        regions = (work.ifm_region, work.ifm2_region, work.weight_region, work.scale_region, work.ofm_region)
        at = self.ports_of(regions)
        flight = WEIGHT_BUFFER * self.npu.decoders / (IN_FLIGHT_USE if self.mode == IDEAL else 1.0)
        overheads = (0.0, 0.0) if self.mode == IDEAL else (CHUNK_CYCLES, OUTPUT_CYCLES)
        mac = work.bare_mac if self.mode == IDEAL else work.mac
        streamed = float(not isinstance(operation, Windowed))
        depth = 0 if self.mode == SERIAL else operation.schedule.blockdep or 0
        numbers = np.array(
            [issued, work.weight_beats, work.weight_bursts, flight, depth, streamed, IFM_BUFFER, self.npu.bus_bytes, *overheads]
        )
        since = min(issued, float(self.units[0]))
        live = self.background[self.background[:, ports.END] > since]
        demand = Demand(work.first, work.block_of, work.ifm, work.ifm2, mac, work.weights, work.output, work.scales, work.ofm)
        bus = Bus(self.state, self.limits, live, self.used, self.transfers)
        own = np.zeros(OWN)
        own[HELD_BLOCK] = -1.0
        chunks = len(mac)
        now = Progress(self.units, self.written, self.written.copy(), own, np.zeros(chunks), np.zeros(chunks, np.int64), causes)
        return float(run_operation(numbers, at, demand, bus, now, self.mode))

    def ports_of(self, regions: tuple[int, ...]) -> NDArray[np.int64]:
        """The area of each region, NOWHERE where there is none."""
        if regions not in self.areas:
            self.areas[regions] = np.array([NOWHERE if one == NOWHERE else self.places.area(one) for one in regions], np.int64)
        return self.areas[regions]

    def _transfer(self, step: Step, operation: Dma) -> None:
        if len(self.dma_ends) >= self.npu.transfers:
            self.now = max(self.now, self.dma_ends[-self.npu.transfers])
        start = max(self.now, self.dma_free)
        if operation.source.region is None:
            raise NotModelled(operation.opcode, "a source inside the NPU", operation.address)
        ends = [self.places.area(operation.source.region)]
        if operation.target.region is not None:
            ends.append(self.places.area(operation.target.region))
        cycles = max(self._alone(port, step, side) for side, port in enumerate(ends))
        if self.npu.dma_in_flight:
            cycles = max(cycles, operation.bytes_moved * self.limits[ends[0], ports.READ_LATENCY] / self.npu.dma_in_flight)
        end = start + cycles
        for side, port in enumerate(ends):
            end = max(end, self._through(port, start, cycles, step.beats[side]))
        latency = self.limits[ends[0], ports.READ_LATENCY]
        done = end + latency + (self.limits[ends[1], ports.WRITE_LATENCY] if len(ends) > 1 else 0.0)
        for side, port in enumerate(ends):
            share = min(1.0, step.beats[side] / self.limits[port, ports.WORDS] / max(1.0, end - start))
            begins = start + side * latency
            self._behind([port, side, begins, begins + end - start, share, self._held(step, port, side)])
        self.dma_free = end
        self.dma_ends.append(max(done, self.dma_ends[-1] if self.dma_ends else 0.0))
        self.timed.append(Timed(step, done, np.zeros(CAUSES)))

    def _alone(self, port: int, step: Step, side: int) -> float:
        """Cycles that one side of a transfer takes on a port with nothing else to do."""
        limit = self.limits[port]
        latency, most = limit[ports.READ_LATENCY + side], limit[ports.READS + side]
        held = ports.slots(step.bursts[side], step.beats[side], latency, most, limit[ports.WORDS])
        return float(max(step.beats[side] / limit[ports.WORDS], held))

    def _through(self, port: int, start: float, cycles: float, beats: float) -> float:
        """When a transfer is through a port's cap."""
        limit = self.limits[port]
        return float(ports.capped(start, cycles, beats, limit, self.transfers[port], self.used[port], False))

    def _held(self, step: Step, port: int, side: int) -> float:
        """The share of a port's slots that a transfer holds: all of its bursts, or as many as may be in flight."""
        most = self.limits[port, ports.READS + side]
        bursts = step.bursts[side]
        if self.npu.dma_in_flight:
            bursts = min(bursts, self.npu.dma_in_flight / BURST_BYTES)
        return min(1.0, bursts / most) if most else 0.0

    def _behind(self, transfer: list[float]) -> None:
        """Keeps a transfer as load in the background, the last BACKGROUND of them in order of their starts."""
        port, side = int(transfer[ports.PORT]), int(transfer[ports.DIRECTION])
        if self.limits[port, ports.CAP] > 0.0 and side == 0:
            transfer[ports.SHARE] = 0.0  # the cap's own account has it
        rows = np.concatenate([self.background, np.array([transfer], np.float64)])[-ports.BACKGROUND :]
        self.background = rows[np.argsort(rows[:, ports.START], kind="stable")]


def transfer_step(operation: Dma, npu: Npu) -> Step:
    """A transfer with its beats and bursts on (source, target)."""
    rows = min(operation.counts[0] * operation.counts[1], MAX_ROWS)
    found = []
    for end in (operation.source, operation.target):
        beats = bursts = 0.0
        step, group = end.row_step, end.group_step
        inner = max(1, min(operation.counts[0], rows))
        for row in range(rows):
            one = run_cost(end.address + row % inner * step + row // inner * group, operation.length, npu.bus_bytes)
            beats, bursts = beats + one[0], bursts + one[1]
        scale = operation.counts[0] * operation.counts[1] / max(1, rows)
        found.append((beats * scale if end.region is not None else 0.0, bursts * scale if end.region is not None else 0.0))
    return Step(operation, None, (found[0][0], found[1][0]), (found[0][1], found[1][1]))


def stops(steps: list[Step]) -> bool:
    """Whether the stream ends as it should."""
    return bool(steps) and isinstance(steps[-1].operation, Stop)


__all__ = ["BURST_BYTES", "Step", "Timed", "Timeline", "stops", "transfer_step"]
