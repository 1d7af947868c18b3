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
KEPT_BLOCKS = 16  # write times of the last blocks: more than the largest BLOCKDEP


@compiled
def _served(
    port: int, direction: int, words: float, bursts: float, state: Floats, limits: Floats, background: Floats,
    used: Floats, transfers: Floats,
) -> float:  # fmt: skip
    """When words asked for now are through the port, without latency."""
    limit = limits[port]
    shared = limit[SHARED] > 0.0
    clock = READ if shared or direction == 0 else WRITE
    start = state[port, clock]
    cycles = stretched(start, words / limit[WORDS], port, direction, shared, background)
    state[port, clock] = capped(start, cycles, words, limit, used[port], transfers[port], True)
    slot = READ_SLOTS if direction == 0 else WRITE_SLOTS
    latency, most = (limit[READ_LATENCY], limit[READS]) if direction == 0 else (limit[WRITE_LATENCY], limit[WRITES])
    state[port, slot] = max(state[port, slot], start) + slots(bursts, words, latency, most, limit[WORDS])
    through: float = max(state[port, clock], state[port, slot])
    return through


@compiled
def _latency(port: int, at: float, limits: Floats, background: Floats) -> float:
    """The read latency at a moment: longer, up to twice, behind the slots that a transfer in the background holds."""
    latency: float = limits[port, READ_LATENCY]
    if limits[port, READS] > 0.0:
        for index in range(len(background)):
            one = background[index]
            if int(one[PORT]) == port and one[DIRECTION] == 0.0 and one[START] <= at < one[END]:
                longer: float = latency * (1.0 + one[HELD])
                return longer
    return latency


@compiled
def _alone(port: int, words: float, bursts: float, limits: Floats) -> float:
    """Cycles that words take when nothing else is asked for."""
    limit = limits[port]
    cycles: float = max(words / limit[WORDS], slots(bursts, words, limit[READ_LATENCY], limit[READS], limit[WORDS]))
    return cycles


@compiled
def _fetched(
    asked: int, upto: int, first_free: float, then_free: float, ahead: int, numbers: Floats, ports: Ints, block_of: Ints,
    ifm: Floats, ifm2: Floats, before: Floats, depth: int, state: Floats, limits: Floats, background: Floats, used: Floats,
    transfers: Floats, arrived: Floats, why: Ints,
) -> int:  # fmt: skip
    """Asks for the input of chunks up to `upto`; how many were asked for. Of the first `ahead`, buffers are free earlier."""
    while asked < min(upto + 1, len(arrived)):
        free = first_free if asked < ahead else then_free
        lag = depth - block_of[asked]
        at = max(free, numbers[ISSUED])
        arrived[asked], why[asked] = at, DEPENDENCY
        if lag < KEPT_BLOCKS:
            at = max(at, before[max(0, lag)])
            arrived[asked] = at
        for source in range(2):
            words, bursts = (ifm[asked, 0], ifm[asked, 1]) if source == 0 else (ifm2[asked, 0], ifm2[asked, 1])
            port = ports[IFM_PORT] if source == 0 else ports[IFM2_PORT]
            if words <= 0.0 or port < 0:
                continue
            if asked == 0:
                state[port, READ] = max(state[port, READ], at)
                state[port, READ_SLOTS] = max(state[port, READ_SLOTS], at)
            through = _served(port, 0, words, bursts, state, limits, background, used, transfers)
            alone = at + _alone(port, words, bursts, limits)
            latency = _latency(port, at, limits, background)
            done = max(through, alone) + latency + numbers[CHUNK_CYCLES]
            if done > arrived[asked]:
                why[asked] = READ_BANDWIDTH if max(through, alone) - at > latency else BY_LATENCY
                arrived[asked] = done
        asked += 1
    return asked


@compiled
def _weighted(
    start: float, end: float, size: float, coming: float, numbers: Floats, port: int, state: Floats, limits: Floats,
    background: Floats, used: Floats, transfers: Floats,
) -> float:  # fmt: skip
    """When the weights of a chunk that begins at `start` have all come; those before it came at `coming`."""
    flight = numbers[WEIGHT_FLIGHT]
    idle = max(state[port, READ], state[port, READ_SLOTS])
    words, bursts = size * numbers[WEIGHT_BEATS], size * numbers[WEIGHT_BURSTS]
    through = _served(port, 0, words, bursts, state, limits, background, used, transfers)
    takes = max(through - idle, size * limits[port, READ_LATENCY] / flight)
    come: float = max(coming + takes, start + max(0.0, size - flight) / size * takes)
    return max(come, min(through, start + takes)) if size > flight else come


@compiled
def _scaled(
    leaves: float, end: float, output: float, size: float, served: float, port: int, limits: Floats, background: Floats,
    units: Floats, serial: bool,
) -> tuple[float, float]:  # fmt: skip
    """(when the output unit begins on a block, when it ends), once the block's scales are there."""
    asked = max(units[SCALES], end) if serial else units[SCALES]
    leaves = max(leaves, asked + _latency(port, asked, limits, background), served)
    over = size - (0.0 if serial else SCALE_BUFFER)
    units[SCALES] = leaves + max(0.0, over) / SCALE_BUFFER * limits[port, READ_LATENCY]
    return leaves, max(leaves + output, units[SCALES])


@compiled
def _ahead(numbers: Floats, ifm: Floats, ifm2: Floats) -> int:
    """Chunks that are asked for ahead of the one in hand: one in the other buffer, and what fits on the way."""
    largest = 1.0
    for chunk in range(len(ifm)):
        largest = max(largest, (ifm[chunk, 0] + ifm2[chunk, 0]) * numbers[BUS])
    return 1 + int(numbers[AHEAD_BYTES] / largest)


@compiled
def run_operation(  # noqa: C901 - the recursion of the docstring, in one pass over chunks
    numbers: Floats, ports: Ints, first: Ints, ifm: Floats, ifm2: Floats, mac: Floats, weights: Floats, output: Floats,
    scales: Floats, ofm: Floats, state: Floats, limits: Floats, background: Floats, used: Floats, transfers: Floats,
    units: Floats, written: Floats, causes: Floats, mode: int,
) -> float:  # fmt: skip
    """When the operation's last block is written; the state of NPU and ports is moved on, `causes` gets its cycles."""
    chunks, serial = len(mac), mode == SERIAL
    before, streamed = written.copy(), numbers[IS_STREAMED] > 0.0
    depth = 0 if serial else int(numbers[BLOCKDEP])
    arrived, why, block_of = np.zeros(chunks), np.zeros(chunks, np.int64), np.zeros(chunks, np.int64)
    for block in range(len(first) - 1):
        block_of[first[block] : first[block + 1]] = block
    ahead = 0 if serial else chunks if mode == IDEAL else _ahead(numbers, ifm, ifm2)
    weight_port, scale_port, ofm_port = ports[WEIGHT_PORT], ports[SCALE_PORT], ports[OFM_PORT]
    coming, served, last = 0.0, 0.0, written[0]
    if weight_port >= 0:
        coming = max(numbers[ISSUED], units[MAC] if serial else units[WEIGHTS])
        coming += _latency(weight_port, coming, limits, background)
    units[SCALES] = max(units[SCALES], numbers[ISSUED])
    held, held_from, held_to = -1, 0.0, 0.0
    asked = _fetched(
        0, ahead, units[MAC] if serial else units[BUFFER], units[MAC], max(1, ahead), numbers, ports, block_of, ifm, ifm2,
        before, depth, state, limits, background, used, transfers, arrived, why,
    )  # fmt: skip
    for chunk in range(chunks):
        block = block_of[chunk]
        opens, closes = chunk == first[block], chunk == first[block + 1] - 1
        start = max(arrived[chunk], units[MAC])
        causes[why[chunk]] += start - units[MAC]
        free = units[ACC0]
        if opens and free > start:
            causes[BY_OUTPUT] += free - start
            start = free
        for kind in range(len(ports)):
            if ports[kind] >= 0:
                for clock in range(4):
                    state[ports[kind], clock] = max(state[ports[kind], clock], start)
        end = start + mac[chunk] + (0.0 if streamed else numbers[CHUNK_CYCLES])
        causes[COMPUTE] += end - start
        if weights[chunk] > 0.0 and weight_port >= 0:
            coming = _weighted(
                start, end, weights[chunk], coming, numbers, weight_port, state, limits, background, used, transfers
            )
            units[WEIGHTS] = coming
            causes[WEIGHT_DECODER] += max(0.0, coming - end)
            end = max(end, coming)
        if opens and scales[block, 0] > 0.0 and scale_port >= 0:
            served = _served(scale_port, 0, scales[block, 0], scales[block, 1], state, limits, background, used, transfers)
        asked = _fetched(
            asked, chunk + max(1, ahead), end if serial else start, end if serial else start, 0, numbers, ports, block_of,
            ifm, ifm2, before, depth, state, limits, background, used, transfers, arrived, why,
        )  # fmt: skip
        if held >= 0:
            last = max(last, _left(ofm_port, held_from, held_to, ofm[held], state, limits, background, used, transfers))
            _shift(written, last)
            held = -1
        units[MAC], units[BUFFER] = end, start
        if closes:
            leaves = max(end, units[OUTPUT])
            ends = leaves + output[block]
            if scales[block, 0] > 0.0 and scale_port >= 0 and mode != IDEAL:
                leaves, ends = _scaled(
                    leaves, end, output[block], scales[block, 2], served, scale_port, limits, background, units, serial
                )
            if streamed:
                units[MAC] = leaves
            units[OUTPUT], units[ACC0], units[ACC1] = ends, units[ACC1], ends
            held, held_from, held_to = block, leaves + numbers[LEAVE_CYCLES], ends + numbers[LEAVE_CYCLES]
    causes[BY_OUTPUT] += max(0.0, held_to - units[MAC])
    finished = _left(ofm_port, held_from, held_to, ofm[held], state, limits, background, used, transfers)
    causes[WRITE_BANDWIDTH] += max(0.0, finished - held_to)
    _shift(written, max(last, finished))
    end_of_all: float = max(last, finished)
    return end_of_all


@compiled
def _left(
    port: int, begins: float, ends: float, block: Floats, state: Floats, limits: Floats, background: Floats, used: Floats,
    transfers: Floats,
) -> float:  # fmt: skip
    """When a block that the output unit gives out from `begins` to `ends` is where it belongs."""
    if port < 0:
        return ends
    return max(ends, _write(port, begins, block, state, limits, background, used, transfers))


@compiled
def _write(
    port: int, at: float, block: Floats, state: Floats, limits: Floats, background: Floats, used: Floats, transfers: Floats
) -> float:
    """When a block that begins to leave at `at` is written."""
    if block[0] <= 0.0:
        return at
    through = _served(port, 1, block[0], block[1], state, limits, background, used, transfers)
    limit = limits[port]
    takes = max(block[0] / limit[WORDS], slots(block[1], block[0], limit[WRITE_LATENCY], limit[WRITES], limit[WORDS]))
    done: float = max(through, at + takes) + limit[WRITE_LATENCY]
    return done


@compiled
def _shift(written: Floats, at: float) -> None:
    """Puts a block's write time in front of those before it."""
    for index in range(len(written) - 1, 0, -1):
        written[index] = written[index - 1]
    written[0] = at
