"""Feature maps -> beats and bursts on the bus, row by row, for many windows at once.

Rules (each exact on all 54 published counts of U55 and U65, docs/decisions/timing-traffic.md): a brick of NHCWB16 is read and
written whole, all columns of a window as one run; NHWC rows are one run when the window has the full depth (written: up to 16
channels only), else every pixel is a run of its own, written in pieces of 16 channels for each core. A run costs the beats of
the bus words that it touches, and a burst for each 64 bytes that it touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled, WorkLimitError
from ethosu_simulator.timing.hardware import BRICK, BURST_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethosu_simulator.memory import FeatureMap

Counts = NDArray[np.int64]
Ranges = "Sequence[tuple[int, int]]"
MAX_RUNS = 1 << 24  # of one feature map: work is bounded whatever the stream says


@dataclass(frozen=True)
class Cost:
    """Beats and bursts, [row window, column window, channel range]."""

    beats: Counts
    bursts: Counts


def touched(start: Counts, length: Counts | int, unit: int) -> Counts:
    """How many aligned units of that many bytes each run of bytes touches."""
    result: Counts = (start + length - 1) // unit - start // unit + 1
    return result


def run_cost(start: int, length: int, bus_bytes: int) -> tuple[int, int]:
    """(beats, bursts) of one run of bytes."""
    if length <= 0:
        return 0, 0
    end = start + length - 1
    return end // bus_bytes - start // bus_bytes + 1, end // BURST_BYTES - start // BURST_BYTES + 1


@dataclass(frozen=True, kw_only=True)
class Access:
    """A feature map as it is read or written: its place, its shape, and who does it."""

    where: FeatureMap
    shape: tuple[int, int, int]
    bus_bytes: int
    write_cores: int = 0  # 0: a read

    @property
    def element_bytes(self) -> int:
        """Bytes of an element."""
        return np.dtype(self.where.dtype).itemsize

    def cost(
        self, rows: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]], channels: Sequence[tuple[int, int]]
    ) -> Cost:
        """What all windows cost; an empty window costs nothing."""
        if self.where.width0 < self.shape[1]:
            raise NotModelled("NPU_SET_IFM_WIDTH0_M1", "a feature map in tiles side by side")
        if self.where.bricks:
            return self._bricks(rows, columns, channels)
        parts = [self._nhwc(rows, columns, one) for one in channels]
        return Cost(np.concatenate([p.beats for p in parts], axis=2), np.concatenate([p.bursts for p in parts], axis=2))

    def _row_starts(self) -> Counts:
        where, y = self.where, np.arange(self.shape[0], dtype=np.int64)
        lower = where.bases[2] + (y - where.height0) * where.stride_y
        starts: Counts = np.where(y < where.height0, where.bases[0] + y * where.stride_y, lower)
        return starts

    def _bricks(
        self, rows: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]], channels: Sequence[tuple[int, int]]
    ) -> Cost:
        count = -(-self.shape[2] // BRICK)
        _bounded(self.shape[0] * len(columns) * count)
        first, last = (np.array([column[end] for column in columns], np.int64) for end in (0, 1))
        start = self._row_starts()[:, None, None] + (first * self.where.stride_x)[None, :, None]
        start = start + (np.arange(count, dtype=np.int64) * self.where.stride_c)[None, None]
        length = (last - first - 1) * self.where.stride_x + BRICK * self.element_bytes
        used = (last > first)[None, :, None]
        picks = [(low // BRICK, -(-high // BRICK)) for low, high in channels]

        def counted(unit: int) -> Counts:
            each = touched(start, length[None, :, None], unit) * used
            return _between(_between(each, picks, 2), rows, 0)

        return Cost(counted(self.bus_bytes), counted(BURST_BYTES))

    def _nhwc(self, rows: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]], channels: tuple[int, int]) -> Cost:
        low, high = channels
        whole = channels == (0, self.shape[2]) and self.where.stride_x == self.shape[2] * self.element_bytes
        if whole and not (self.write_cores and self.shape[2] > BRICK):
            return self._whole_rows(rows, columns)
        step = BRICK * self.write_cores or high - low
        pieces = np.arange(low, high, max(1, step), dtype=np.int64)
        _bounded(self.shape[0] * self.shape[1] * len(pieces))
        pixels = self._row_starts()[:, None] + np.arange(self.shape[1], dtype=np.int64) * self.where.stride_x
        start = pixels[:, :, None] + pieces * self.where.stride_c
        length = np.minimum(pieces + step, high) - pieces
        counted = [
            _between(_between(touched(start, length * self.element_bytes, unit).sum(axis=2), columns, 1), rows, 0)[:, :, None]
            for unit in (self.bus_bytes, BURST_BYTES)
        ]
        return Cost(counted[0], counted[1])

    def _whole_rows(self, rows: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]]) -> Cost:
        _bounded(self.shape[0] * len(columns))
        first, last = (np.array([column[end] for column in columns], np.int64) for end in (0, 1))
        start = self._row_starts()[:, None] + first * self.where.stride_x
        length = (last - first) * self.where.stride_x
        counted = [
            _between(touched(start, np.maximum(length, 1), unit) * (length > 0), rows, 0)[:, :, None]
            for unit in (self.bus_bytes, BURST_BYTES)
        ]
        return Cost(counted[0], counted[1])


def _bounded(runs: int) -> None:
    if runs > MAX_RUNS:
        raise WorkLimitError(f"a feature map of {runs} runs of bytes: expected at most {MAX_RUNS}")


def _between(counts: Counts, ranges: Sequence[tuple[int, int]], axis: int) -> Counts:
    """The sums over index ranges of one axis; an empty range sums to 0."""
    total = np.concatenate([np.zeros_like(counts.take([0], axis)), counts.cumsum(axis)], axis)
    low = np.array([start for start, _ in ranges])
    high = np.array([max(start, stop) for start, stop in ranges])
    result: Counts = total.take(high, axis) - total.take(low, axis)
    return result
