"""Feature maps as steps see them: an address for every row, a distance between pixels and between blocks of 16 channels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.memory import BRICK, FeatureMap, Memory, tiles

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Map:
    """Rows by address in the NPU's memory, bytes between pixels and between blocks; `low..high` is all that it may touch."""

    rows: tuple[int, ...]
    pixel: int
    block: int
    shape: Shape
    dtype: str
    low: int
    high: int

    @property
    def kind(self) -> int:
        """The size of an element, negative for a signed one."""
        size = np.dtype(self.dtype).itemsize
        return size if self.dtype.startswith("u") else -size

    @property
    def flip(self) -> int:
        """What turns a byte of a signed element into an unsigned one of the same order."""
        return 0 if self.dtype.startswith("u") else 0x80

    def columns(self, first: int, place: int) -> dict[int, int]:
        """Seven columns of a step from `first` on; `place` is where the row addresses are kept."""
        return dict(enumerate((place, self.pixel, self.block, *self.shape, self.kind), first))


def in_memory(where: FeatureMap, shape: Shape, memory: Memory, starts: Mapping[int, int]) -> Map | None:
    """The map of a feature map whose every element is inside its region; None for layouts that steps don't have."""
    size = np.dtype(where.dtype).itemsize
    low, high = memory.extent(where, shape)
    if where.width0 < shape[1] or where.stride_x < 0 or not (where.bricks or where.stride_c == size or shape[2] == 1):
        return None
    rows: list[int] = []
    for _y, _x, height, _width, base in tiles(where, shape):
        rows.extend(starts[where.region] + base + row * where.stride_y for row in range(height))
    start = starts[where.region]
    block = where.stride_c if where.bricks else BRICK * size
    return Map(
        rows=tuple(rows), pixel=where.stride_x, block=block, shape=shape, dtype=where.dtype, low=start + low, high=start + high
    )


def dense(start: int, shape: Shape, dtype: str) -> Map:
    """The map of a chaining buffer: [height, width, depth] from `start` on."""
    size = np.dtype(dtype).itemsize
    pitch = shape[1] * shape[2] * size
    rows = tuple(start + y * pitch for y in range(shape[0]))
    return Map(
        rows=rows, pixel=shape[2] * size, block=BRICK * size, shape=shape, dtype=dtype, low=start, high=start + shape[0] * pitch
    )


def collide(read: Map, written: Map, *, in_place: bool) -> bool:
    """True when the two may share bytes, other than element for element where that is allowed."""
    if read.high <= written.low or written.high <= read.low:
        return False
    same = (read.rows, read.pixel, read.block, read.shape, read.kind) == (
        written.rows, written.pixel, written.block, written.shape, written.kind,
    )  # fmt: skip
    if in_place and same:
        return False
    return not _side_by_side(read, written)


def overlaps_itself(written: Map) -> bool:
    """True unless every element surely has bytes of its own."""
    size, (_height, width, depth) = np.dtype(written.dtype).itemsize, written.shape
    blocks = -(-depth // BRICK)
    inside = min(depth, BRICK) * size
    if written.block == BRICK * size:  # a pixel's blocks lie side by side
        pixel_span = depth * size
        row_span = (width - 1) * written.pixel + pixel_span
        tight = width > 1 and written.pixel < pixel_span
    else:
        row_span = (width - 1) * written.pixel + (blocks - 1) * written.block + inside
        tight = (width > 1 and written.pixel < inside) or (blocks > 1 and written.block < width * written.pixel)
    starts = sorted(written.rows)
    return tight or any(b - a < row_span for a, b in pairwise(starts))


def _side_by_side(read: Map, written: Map) -> bool:
    """True when both are made of rows at one distance that lie in different parts of it, as slices of one buffer do."""
    step = _step(read)
    if step is None or step != _step(written):
        return False
    spans = [(m.rows[0], (m.high - m.low) - (len(m.rows) - 1) * step) for m in (read, written)]
    distance = (spans[1][0] - spans[0][0]) % step
    return spans[0][1] <= distance and distance + spans[1][1] <= step


def _step(found: Map) -> int | None:
    """The distance between rows, when it is one and they ascend."""
    steps = {b - a for a, b in pairwise(found.rows)}
    ascending = len(steps) == 1 and min(steps) > 0 and found.low == found.rows[0]
    return steps.pop() if ascending else None
