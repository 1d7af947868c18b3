"""The units of the NPU over time, for one operation after the other.

For each chunk of each OFM block, in order:

- its input is asked for when its buffer is free (two chunks: when the MAC unit begins the chunk before; IFM_BUFFER bytes may be
  on their way ahead of that) and when BLOCKDEP lets it: block i of an operation waits until all but BLOCKDEP - i blocks
  before the operation are written;
- the MAC unit begins when input and an accumulator (two blocks) are there; it ends no sooner than its weights have come, of
  which WEIGHT_BUFFER bytes for each decoder are on their way ahead: no more than that many in one read latency;
- after a block's last chunk the output unit waits for its scales (SCALE_BUFFER bytes ahead, one such in a read latency) and
  takes its cycles for each element; the block is written from OUTPUT_CYCLES later on.

All of this is maxima and sums (a max-plus recursion). Two other modes bound it: IDEAL, in which everything is asked for as soon
as the operation is issued, read buffers are always full, scales are always there, no number of writes is too many and the
measured overheads are none; SERIAL, in which nothing is asked for ahead and operations do not overlap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.jit import compiled
from ethosu_simulator.timing.hardware import SCALE_BUFFER
from ethosu_simulator.timing.ports import (
    DIRECTION,
    END,
    HELD,
    PORT,
    READ,
    READ_LATENCY,
    READ_SLOTS,
    READS,
    SHARED,
    START,
    WORDS,
    WRITE,
    WRITE_LATENCY,
    WRITE_SLOTS,
    WRITES,
    capped,
    slots,
    stretched,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# the NPU between operations
MAC, OUTPUT, ACC0, ACC1, BUFFER, WEIGHTS, SCALES = range(7)
UNITS = 7
# why cycles pass, of an operation
COMPUTE, BY_OUTPUT, READ_BANDWIDTH, WRITE_BANDWIDTH, BY_LATENCY, DEPENDENCY, WEIGHT_DECODER = range(7)
CAUSES = 7
# regions' ports of an operation
IFM_PORT, IFM2_PORT, WEIGHT_PORT, SCALE_PORT, OFM_PORT = range(5)
# numbers of an operation
ISSUED, WEIGHT_BEATS, WEIGHT_BURSTS, WEIGHT_FLIGHT, BLOCKDEP, IS_STREAMED, AHEAD_BYTES, BUS, CHUNK_CYCLES, LEAVE_CYCLES = range(
    10
)
IDEAL, USUAL, SERIAL = -1, 0, 1
# an operation's own clocks
ASKED, SERVED, HELD_BLOCK, HELD_FROM, HELD_TO = range(5)
OWN = 5
KEPT_BLOCKS = 16  # write times of the last blocks: more than the largest BLOCKDEP


class Bus(NamedTuple):
    """The ports (ports.py): their clocks and limits, transfers in the background, and what caps have counted."""

    state: Floats
    limits: Floats
    background: Floats
    used: Floats
    transfers: Floats


class Demand(NamedTuple):
    """What an operation asks for (work.py), and the block of each chunk."""

    first: Ints
    block_of: Ints
    ifm: Floats
    ifm2: Floats
    mac: Floats
    weights: Floats
    output: Floats
    scales: Floats
    ofm: Floats


class Progress(NamedTuple):
    """The NPU: its units, when the last blocks were written (and were before this operation), this operation's own clocks.

    `arrived` and `why` are of each chunk: when its input is there, and what it waited for; `causes` adds up why cycles pass.
    """

    units: Floats
    written: Floats
    before: Floats
    own: Floats
    arrived: Floats
    why: Ints
    causes: Floats


@compiled
def _served(bus: Bus, port: int, direction: int, words: float, bursts: float) -> float:
    """When words asked for now are through the port, without latency."""
    limit, state = bus.limits[port], bus.state[port]
    shared = limit[SHARED] > 0.0
    clock = READ if shared or direction == 0 else WRITE
    start = state[clock]
    cycles = stretched(start, words / limit[WORDS], port, direction, shared, bus.background)
    state[clock] = capped(start, cycles, words, limit, bus.used[port], bus.transfers[port], True)
    slot = READ_SLOTS if direction == 0 else WRITE_SLOTS
    latency, most = (limit[READ_LATENCY], limit[READS]) if direction == 0 else (limit[WRITE_LATENCY], limit[WRITES])
    state[slot] = max(state[slot], start) + slots(bursts, words, latency, most, limit[WORDS])
    through: float = max(state[clock], state[slot])
    return through


@compiled
def _latency(bus: Bus, port: int, at: float) -> float:
    """The read latency at a moment: longer, up to twice, behind the slots that a transfer in the background holds."""
    latency: float = bus.limits[port, READ_LATENCY]
    if bus.limits[port, READS] > 0.0:
        for index in range(len(bus.background)):
            one = bus.background[index]
            if int(one[PORT]) == port and one[DIRECTION] == 0.0 and one[START] <= at < one[END]:
                longer: float = latency * (1.0 + one[HELD])
                return longer
    return latency


@compiled
def _alone(bus: Bus, port: int, words: float, bursts: float) -> float:
    """Cycles that words take when nothing else is asked for."""
    limit = bus.limits[port]
    cycles: float = max(words / limit[WORDS], slots(bursts, words, limit[READ_LATENCY], limit[READS], limit[WORDS]))
    return cycles


@compiled
def _loaded(chunk: int, at: float, port: int, cost: Floats, numbers: Floats, bus: Bus, now: Progress) -> None:
    """Asks for a chunk's words of one operand at `at`."""
    if cost[0] <= 0.0 or port < 0:
        return
    if chunk == 0:
        bus.state[port, READ] = max(bus.state[port, READ], at)
        bus.state[port, READ_SLOTS] = max(bus.state[port, READ_SLOTS], at)
    latency = _latency(bus, port, at)
    came = max(_served(bus, port, 0, cost[0], cost[1]), at + _alone(bus, port, cost[0], cost[1]))
    done = came + latency + numbers[CHUNK_CYCLES]
    if done > now.arrived[chunk]:
        now.why[chunk] = READ_BANDWIDTH if came - at > latency else BY_LATENCY
        now.arrived[chunk] = done


@compiled
def _fetch(
    upto: int, free: float, earlier: float, ahead: int, numbers: Floats, ports: Ints, demand: Demand, bus: Bus, now: Progress
) -> None:
    """Asks for the input of chunks up to `upto`, whose buffers are free at `free`, of the first `ahead` at `earlier`."""
    chunk = int(now.own[ASKED])
    while chunk < min(upto + 1, len(now.arrived)):
        at = max(earlier if chunk < ahead else free, numbers[ISSUED])
        lag = int(numbers[BLOCKDEP]) - demand.block_of[chunk]
        if lag < KEPT_BLOCKS:
            at = max(at, now.before[max(0, lag)])
        now.arrived[chunk], now.why[chunk] = at, DEPENDENCY
        _loaded(chunk, at, ports[IFM_PORT], demand.ifm[chunk], numbers, bus, now)
        _loaded(chunk, at, ports[IFM2_PORT], demand.ifm2[chunk], numbers, bus, now)
        chunk += 1
    now.own[ASKED] = chunk


@compiled
def _decoded(start: float, end: float, size: float, port: int, numbers: Floats, bus: Bus, now: Progress) -> float:
    """When a chunk that begins at `start` ends, `end` or later: when all of its weights have come."""
    if size <= 0.0 or port < 0:
        return end
    flight = numbers[WEIGHT_FLIGHT]
    idle = max(bus.state[port, READ], bus.state[port, READ_SLOTS])
    through = _served(bus, port, 0, size * numbers[WEIGHT_BEATS], size * numbers[WEIGHT_BURSTS])
    takes = max(through - idle, size * bus.limits[port, READ_LATENCY] / flight)
    come: float = max(now.units[WEIGHTS] + takes, start + max(0.0, size - flight) / size * takes)
    if size > flight:
        come = max(come, min(through, start + takes))
    now.units[WEIGHTS] = come
    now.causes[WEIGHT_DECODER] += max(0.0, come - end)
    return max(end, come)


@compiled
def _begin(numbers: Floats, ports: Ints, demand: Demand, bus: Bus, now: Progress, mode: int) -> int:
    """What happens when an operation is issued; how many chunks it asks for ahead of the one in hand."""
    largest, units = 1.0, now.units
    for chunk in range(len(demand.mac)):
        largest = max(largest, (demand.ifm[chunk, 0] + demand.ifm2[chunk, 0]) * numbers[BUS])
    ahead = 1 + int(numbers[AHEAD_BYTES] / largest)
    if mode != USUAL:
        ahead = 0 if mode == SERIAL else len(demand.mac)
    if ports[WEIGHT_PORT] >= 0:
        asked = max(numbers[ISSUED], units[MAC] if mode == SERIAL else units[WEIGHTS])
        units[WEIGHTS] = asked + _latency(bus, ports[WEIGHT_PORT], asked)
    units[SCALES] = max(units[SCALES], numbers[ISSUED])
    earlier = units[MAC] if mode == SERIAL else units[BUFFER]
    _fetch(ahead, units[MAC], earlier, max(1, ahead), numbers, ports, demand, bus, now)
    return ahead


@compiled
def _started(chunk: int, opens: bool, ports: Ints, bus: Bus, now: Progress) -> float:
    """When the MAC unit begins a chunk; the clocks of the operation's ports are at least there."""
    units = now.units
    start: float = max(now.arrived[chunk], units[MAC])
    now.causes[now.why[chunk]] += start - units[MAC]
    if opens and units[ACC0] > start:
        now.causes[BY_OUTPUT] += units[ACC0] - start
        start = units[ACC0]
    for kind in range(len(ports)):
        if ports[kind] >= 0:
            for clock in range(4):
                bus.state[ports[kind], clock] = max(bus.state[ports[kind], clock], start)
    return start


@compiled
def _put_out(block: int, end: float, numbers: Floats, ports: Ints, demand: Demand, bus: Bus, now: Progress, mode: int) -> None:
    """The output unit takes a block whose last chunk ended at `end`, once its scales are there."""
    units, port = now.units, ports[SCALE_PORT]
    leaves = max(end, units[OUTPUT])
    ends = leaves + demand.output[block]
    if demand.scales[block, 0] > 0.0 and port >= 0 and mode != IDEAL:
        asked = max(units[SCALES], end) if mode == SERIAL else units[SCALES]
        leaves = max(leaves, asked + _latency(bus, port, asked), now.own[SERVED])
        over = demand.scales[block, 2] - (0.0 if mode == SERIAL else SCALE_BUFFER)
        units[SCALES] = leaves + max(0.0, over) / SCALE_BUFFER * bus.limits[port, READ_LATENCY]
        ends = max(leaves + demand.output[block], units[SCALES])
    if numbers[IS_STREAMED] > 0.0:
        units[MAC] = leaves
    units[OUTPUT], units[ACC0], units[ACC1] = ends, units[ACC1], ends
    now.own[HELD_BLOCK], now.own[HELD_FROM], now.own[HELD_TO] = (
        block,
        leaves + numbers[LEAVE_CYCLES],
        ends + numbers[LEAVE_CYCLES],
    )


@compiled
def _write(ports: Ints, demand: Demand, bus: Bus, now: Progress) -> None:
    """Writes the block that the output unit holds."""
    if now.own[HELD_BLOCK] < 0.0:
        return
    block, port, done = demand.ofm[int(now.own[HELD_BLOCK])], ports[OFM_PORT], now.own[HELD_TO]
    if port >= 0 and block[0] > 0.0:
        through, limit = _served(bus, port, 1, block[0], block[1]), bus.limits[port]
        takes = max(block[0] / limit[WORDS], slots(block[1], block[0], limit[WRITE_LATENCY], limit[WRITES], limit[WORDS]))
        done = max(done, max(through, now.own[HELD_FROM] + takes) + limit[WRITE_LATENCY])
    done = max(done, now.written[0])
    for index in range(len(now.written) - 1, 0, -1):
        now.written[index] = now.written[index - 1]
    now.written[0], now.own[HELD_BLOCK] = done, -1.0


@compiled
def run_operation(numbers: Floats, ports: Ints, demand: Demand, bus: Bus, now: Progress, mode: int) -> float:
    """When the operation's last block is written; NPU and ports are moved on."""
    ahead, units = _begin(numbers, ports, demand, bus, now, mode), now.units
    for chunk in range(len(demand.mac)):
        block = demand.block_of[chunk]
        opens, closes = chunk == demand.first[block], chunk == demand.first[block + 1] - 1
        start = _started(chunk, opens, ports, bus, now)
        end = start + demand.mac[chunk] + (0.0 if numbers[IS_STREAMED] > 0.0 else numbers[CHUNK_CYCLES])
        now.causes[COMPUTE] += end - start
        end = _decoded(start, end, demand.weights[chunk], ports[WEIGHT_PORT], numbers, bus, now)
        if opens and demand.scales[block, 0] > 0.0 and ports[SCALE_PORT] >= 0:
            now.own[SERVED] = _served(bus, ports[SCALE_PORT], 0, demand.scales[block, 0], demand.scales[block, 1])
        free = end if mode == SERIAL else start
        _fetch(chunk + max(1, ahead), free, free, 0, numbers, ports, demand, bus, now)
        _write(ports, demand, bus, now)
        units[MAC], units[BUFFER] = end, start
        if closes:
            _put_out(block, end, numbers, ports, demand, bus, now, mode)
    held = now.own[HELD_TO]
    now.causes[BY_OUTPUT] += max(0.0, held - units[MAC])
    _write(ports, demand, bus, now)
    now.causes[WRITE_BANDWIDTH] += max(0.0, now.written[0] - held)
    last: float = now.written[0]
    return last
