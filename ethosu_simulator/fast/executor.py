"""Runs steps: one compiled loop over the table, by one thread or by several that share each step's chunks.

A thread takes the next chunk of a step by counting up, does it, and counts it done; nobody begins a step before all chunks of
the step before are done. Whoever is held up elsewhere takes nothing, so the others don't wait for it.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import general, kernels
from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.atomics import CAN_YIELD, atomic_add, atomic_read, pause, yield_thread
from ethosu_simulator.fast.vectors import copy_block
from ethosu_simulator.jit import compiled

if TYPE_CHECKING:
    from ethosu_simulator.fast.program import Program

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SPINS = 400
MAX_THREADS = 8
PARALLEL_WORK = 1 << 21  # multiply-accumulates below which waking a thread costs more than it brings


@compiled
def _chunk(step: Numbers, chunk: int, memory: Bytes, numbers: Numbers, data: Bytes, scratch: Bytes) -> None:
    kind, base, data_at = step[at.KIND], memory.ctypes.data, data.ctypes.data
    if kind == at.CONVOLUTION:
        kernels.convolution(step, chunk, base, memory, numbers, data_at, scratch)
    elif kind == at.DEPTHWISE:
        kernels.depthwise(step, chunk, base, memory, numbers, data_at, scratch)
    elif kind == at.MAP:
        kernels.mapped(step, chunk, base, memory, numbers, data_at, scratch)
    elif kind == at.MAP_PAIR:
        kernels.mapped_pair(step, chunk, memory, numbers, data[step[at.TABLE] : step[at.TABLE] + 65536])
    elif kind == at.EXTREME:
        kernels.extreme(step, chunk, base, memory, numbers, data_at, scratch)
    elif kind == at.COPY:
        copy_block(base + step[at.TARGET], base + step[at.SOURCE], step[at.LENGTH])
    else:
        words = data[step[at.TABLE] : step[at.TABLE] + 4 * step[at.TABLE_LENGTH]].view(np.int32)
        if kind == at.ELEMENTWISE:
            general.elementwise(step, memory, numbers, words)
        else:
            general.pool(step, memory, numbers, words)


@compiled
def execute(
    steps: NDArray[np.int64], first: int, last: int, memory: Bytes, numbers: Numbers, data: Bytes, counters: Numbers,
    scratch: Bytes,
) -> None:  # fmt: skip
    """Does steps first .. last together with every other thread that does the same; returns when all of them are done."""
    for index in range(first, last):
        step = steps[index]
        taken, done = counters.ctypes.data + 16 * index, counters.ctypes.data + 16 * index + 8
        while True:
            chunk = atomic_add(taken, 1)
            if chunk >= step[at.CHUNKS]:
                break
            _chunk(step, chunk, memory, numbers, data, scratch)
            atomic_add(done, 1)
        spins = 0
        while atomic_read(done) < step[at.CHUNKS]:
            spins += 1
            if spins < SPINS:
                pause()
            else:
                yield_thread()


class _Helpers:
    """The threads beside the caller's, started when first needed; new ones in a forked process."""

    def __init__(self) -> None:
        self._process = -1
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, program: Program, memory: Bytes, counters: Numbers, first: int, last: int) -> list[Future[None]]:
        threads = program.threads
        if self._pool is None or self._process != os.getpid():
            self._process, self._pool = os.getpid(), ThreadPoolExecutor(MAX_THREADS - 1, "ethosu-simulator")
        pool = self._pool
        return [pool.submit(run_thread, program, memory, counters, first, last) for _ in range(threads - 1)]


_HELPERS = _Helpers()


def available_threads() -> int:
    """Processors that this process may use, at most MAX_THREADS."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_THREADS, count)) if CAN_YIELD else 1


def run_thread(program: Program, memory: Bytes, counters: Numbers, first: int, last: int) -> None:
    """One thread's share of steps first .. last."""
    scratch = program.scratch()
    execute(program.steps, first, last, memory, program.numbers, program.data, counters, scratch)
    program.give_back(scratch)


def run_steps(program: Program, memory: Bytes, counters: Numbers, first: int, last: int) -> None:
    """Steps first .. last, by several threads when they are worth it."""
    if program.threads == 1 or program.work_before[last] - program.work_before[first] < PARALLEL_WORK:
        run_thread(program, memory, counters, first, last)
        return
    futures = _HELPERS.submit(program, memory, counters, first, last)
    run_thread(program, memory, counters, first, last)
    for future in futures:
        if not future.cancel():
            future.result()
