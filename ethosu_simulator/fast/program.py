"""A finished table of steps with all that they refer to, and the builder that collects it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.kernels import ELEMENTS_AT

if TYPE_CHECKING:
    from collections.abc import Sequence

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

ALIGNMENT = 64
MAX_CHUNK_BYTES = 1 << 17  # of input elements: they stay in the second-level cache together with some weights


def aligned(size: int) -> Bytes:
    """Bytes, zeroed, that begin at a multiple of 64."""
    room = np.zeros(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size]


@dataclass
class Program:
    """Steps [n, COLUMNS], the numbers and bytes they point to, the multiply-accumulates before each step and in all."""

    steps: Numbers
    numbers: Numbers
    data: Bytes
    work_before: list[int]
    scratch_bytes: int
    threads: int
    _scratch: list[Bytes] = field(default_factory=list)

    def scratch(self) -> Bytes:
        """Memory of one thread's own."""
        try:
            return self._scratch.pop()
        except IndexError:
            return aligned(self.scratch_bytes)

    def give_back(self, scratch: Bytes) -> None:
        """Keeps that memory for the next run."""
        self._scratch.append(scratch)


class Builder:
    """Collects steps, row addresses and constants; equal constants are kept once."""

    def __init__(self) -> None:
        self._steps: list[Numbers] = []
        self._work: list[int] = []
        self._numbers: list[int] = [0]
        self._data: list[bytes] = []
        self._data_length = 0
        self._known: dict[Any, int] = {}
        self._scratch_bytes = ELEMENTS_AT

    def __len__(self) -> int:
        return len(self._steps)

    def numbers(self, values: Sequence[int]) -> int:
        """Where these numbers begin."""
        key = tuple(values)
        if key not in self._known:
            self._known[key] = len(self._numbers)
            self._numbers.extend(key)
        return self._known[key]

    def data(self, values: NDArray[Any]) -> int:
        """Where the array's bytes begin, at a multiple of 64."""
        content = np.ascontiguousarray(values).tobytes()
        if content not in self._known:
            self._known[content] = self._data_length
            padded = content + bytes(-len(content) % ALIGNMENT)
            self._data.append(padded)
            self._data_length += len(padded)
        return self._known[content]

    def step(self, columns: dict[int, int], work: int, scratch_bytes: int = 0) -> None:
        """Adds a step of one chunk, unless the columns say otherwise."""
        row = np.zeros(at.COLUMNS, np.int64)
        row[at.CHUNKS] = row[at.PARTS] = 1
        for column, value in columns.items():
            row[column] = value
        self._steps.append(row)
        self._work.append(work)
        self._scratch_bytes = max(self._scratch_bytes, ELEMENTS_AT + scratch_bytes)

    def finish(self, threads: int) -> Program:
        """The program."""
        data = aligned(self._data_length + ALIGNMENT)
        joined = b"".join(self._data)
        data[: len(joined)] = np.frombuffer(joined, np.uint8)
        self._data, self._known = [], {}
        steps = np.array(self._steps, np.int64).reshape(-1, at.COLUMNS)
        numbers, work = np.array(self._numbers, np.int64), [0, *accumulate(self._work)]
        return Program(
            steps=steps, numbers=numbers, data=data, work_before=work, scratch_bytes=self._scratch_bytes, threads=threads
        )
