"""A memory port over time: words, slots of outstanding bursts, caps of adapters, and transfers in the background.

A port is a row of `state` and a row of `limits` (columns below), so that compiled code can hold them. Every clock only moves
forward, and every step is a maximum or a sum: more bandwidth or less latency cannot make anything later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.jit import compiled
from ethosu_simulator.timing.hardware import BURST_BYTES
from ethosu_simulator.timing.memories import Memory

Floats = NDArray[np.float64]

# state: when the words, and the slots of outstanding bursts, of each direction are free again
READ, WRITE, READ_SLOTS, WRITE_SLOTS = range(4)
STATES = 4
# limits
WORDS, READ_LATENCY, WRITE_LATENCY, READS, WRITES, SHARED, CAP, PERIOD = range(8)
LIMITS = 8
# a transfer in the background: port, direction, start, end, the share of words and of slots that it takes
PORT, DIRECTION, START, END, SHARE, HELD = range(6)
TRANSFER = 6
BACKGROUND = 32  # transfers that are kept: more are never unfinished together
WINDOWS = 1024  # periods of a cap that are kept
KERNEL_SHARE = 0.5  # the arbiter is fair: a transfer in the background never takes more than half of what is asked for


def limits_of(memory: Memory, bus_bytes: int) -> Floats:
    """[area, limit] of a memory; adapters cap whole bursts, so that a cap ends with the burst that reaches it."""
    burst = BURST_BYTES // bus_bytes
    rows = [
        [
            area.words_per_cycle, area.read_latency, area.write_latency, area.read_outstanding, area.write_outstanding,
            float(area.shared), -(-area.cap_words // burst) * burst, area.cap_cycles,
        ]
        for area in memory.areas
    ]  # fmt: skip
    return np.array(rows, np.float64)


@compiled
def slots(bursts: float, words: float, latency: float, outstanding: float, rate: float) -> float:
    """Cycles that bursts take when only so many may be outstanding."""
    if outstanding <= 0.0 or bursts <= 0.0:
        return 0.0
    return bursts * (latency + words / bursts / rate) / outstanding


@compiled
def stretched(start: float, cycles: float, port: int, direction: int, shared: bool, background: Floats) -> float:
    """Cycles that work of `cycles` takes from `start` on while transfers in the background take their share."""
    left, at = cycles, start
    for index in range(len(background)):
        one = background[index]
        if int(one[PORT]) != port or one[END] <= at or (not shared and int(one[DIRECTION]) != direction):
            continue
        if one[START] >= at + left:
            break
        before = max(0.0, one[START] - at)
        at, left = at + before, left - before
        speed = max(1.0 - one[SHARE], KERNEL_SHARE)
        if left <= (one[END] - at) * speed:
            slowed: float = at + left / speed - start
            return slowed
        left -= (one[END] - at) * speed
        at = one[END]
    taken: float = at + left - start
    return taken


@compiled
def capped(start: float, cycles: float, words: float, limit: Floats, own: Floats, other: Floats, foreground: bool) -> float:
    """When `words` that would take `cycles` are through, at most CAP of them in each PERIOD.

    `own` and `other` are what was used before: [window, (number of the period, words)] of operations and of transfers.
    """
    cap, period = limit[CAP], limit[PERIOD]
    if cap <= 0.0 or words <= 0.0:
        return start + cycles
    number, at, left, rate = int(start // period), start, words, words / max(cycles, 1e-9)
    if left > cap * WINDOWS:  # whole periods of nothing else: no need to count them one by one
        skipped = int(left / cap) - WINDOWS // 2
        number, left = number + skipped, left - skipped * cap
    while True:
        slot = number % WINDOWS
        if own[slot, 0] != number:
            own[slot, 0], own[slot, 1] = number, 0.0
        taken = other[slot, 1] if other[slot, 0] == number else 0.0
        if foreground:
            taken = min(taken, cap * KERNEL_SHARE)
        at = max(at, number * period)
        can = min(left, max(0.0, cap - own[slot, 1] - taken), ((number + 1) * period - at) * rate)
        if can > 0.0:
            own[slot, 1] += can
            left -= can
            at += can / rate
        if left <= 1e-6:
            end: float = at
            return end
        number += 1
