"""Regions of bytes, and feature maps in them: NHWC and NHCWB16, up to four tiles; every access is bounds-checked.

Addresses (source: `AddressForCoordinate` and `GetTiles` in Vela's register command stream generators): element (y, x, c) lies
at NHWC: `base + y*stride_y + x*stride_x + c*stride_c`; NHCWB16: `base + y*stride_y + x*stride_x + (c//16)*stride_c +
(c%16)*size`. Tile 0 holds rows below height0 of columns below width0; tile 1 rows below height1 of the other columns; tile 2
and 3 the rows below those, each counted from its own base.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ethosu_simulator.errors import MemoryFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Array = NDArray[Any]
Bytes = NDArray[np.uint8]

BRICK = 16
MAX_ELEMENTS = 1 << 26


@dataclass(frozen=True)
class FeatureMap:
    """Where a feature map of shape (height, width, depth) lies and how its elements are kept."""

    region: int
    bases: tuple[int, int, int, int]
    height0: int
    height1: int
    width0: int
    stride_y: int
    stride_x: int
    stride_c: int
    bricks: bool
    dtype: str


class Memory:
    """The regions that base pointers name, each a flat array of bytes."""

    def __init__(self, regions: Mapping[int, Bytes]) -> None:
        self._regions = dict(regions)

    def bytes(self, region: int, start: int, length: int) -> Bytes:
        """A view of `length` bytes; MemoryFault when any of them is outside the region."""
        self.check(region, start, length)
        return self._region(region)[start : start + length]

    def check(self, region: int, start: int, length: int) -> None:
        """MemoryFault when any of `length` bytes is outside the region."""
        size = len(self._region(region))
        if start < 0 or length < 0 or start + length > size:
            raise MemoryFault(f"region {region}: bytes {start}..{start + length} of {size}")

    def store(self, region: int, start: int, data: Bytes) -> None:
        """Writes bytes; MemoryFault when any is outside the region or the region is read-only."""
        self.check_writable(region)
        self.bytes(region, start, len(data))[:] = data

    def check_writable(self, region: int) -> None:
        """MemoryFault when the region is read-only."""
        if not self._region(region).flags.writeable:
            raise MemoryFault(f"region {region} is read-only: expected a write to the arena")

    def view(self, region: int, start: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Array:
        """A strided view; MemoryFault when any element is outside the region."""
        data = self._region(region)
        if min(shape) < 1 or math.prod(shape) > MAX_ELEMENTS:
            raise MemoryFault(f"region {region}: a feature map of shape {shape}: expected 1..{MAX_ELEMENTS} elements")
        spans = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
        low = start + sum(min(0, span) for span in spans)
        high = start + sum(max(0, span) for span in spans) + np.dtype(dtype).itemsize
        if low < 0 or high > len(data):
            raise MemoryFault(f"region {region}: bytes {low}..{high} of {len(data)}, feature map of shape {shape}")
        view: Array = np.ndarray(shape, np.dtype(dtype), data.data, start, strides)
        return view

    def _region(self, region: int) -> Bytes:
        try:
            return self._regions[region]
        except KeyError:
            raise MemoryFault(f"region {region} has no memory: expected one of {sorted(self._regions)}") from None

    def read(self, where: FeatureMap, shape: tuple[int, int, int]) -> Array:
        """The feature map as a contiguous array [height, width, depth] of its dtype."""
        parts = list(tiles(where, shape))
        if len(parts) == 1 and not where.bricks:
            return np.ascontiguousarray(self._tile(where, *parts[0][2:], shape[2]))
        out = np.empty(shape, where.dtype)
        for y, x, height, width, base in parts:
            part = out[y : y + height, x : x + width]
            for there, here in self._pieces(where, part, base):
                here[...] = there
        return out

    def write(self, where: FeatureMap, values: Array) -> None:
        """Stores an array [height, width, depth]; its dtype must be the feature map's."""
        self.check_writable(where.region)
        height, width, depth = values.shape
        for y, x, tile_height, tile_width, base in tiles(where, (height, width, depth)):
            part = values[y : y + tile_height, x : x + tile_width]
            for there, here in self._pieces(where, part, base):
                there[...] = here

    def extent(self, where: FeatureMap, shape: tuple[int, int, int]) -> tuple[int, int]:
        """(first byte, byte after the last) that a feature map touches; MemoryFault as in `read`."""
        low, high, size = math.inf, -math.inf, np.dtype(where.dtype).itemsize
        for _y, _x, height, width, base in tiles(where, shape):
            part = np.broadcast_to(np.zeros(1, where.dtype), (height, width, shape[2]))
            start = self._region(where.region).ctypes.data
            for there, _here in self._pieces(where, part, base):
                spans = [(n - 1) * stride for n, stride in zip(there.shape, there.strides, strict=True)]
                first = there.ctypes.data - start
                low = min(low, first + sum(min(0, span) for span in spans))
                high = max(high, first + sum(max(0, span) for span in spans) + size)
        return int(low), int(high)

    def _pieces(self, where: FeatureMap, part: Array, base: int) -> Iterator[tuple[Array, Array]]:
        """Pairs (view in memory, view of `part`) of equal shape: NHWC in one; NHCWB16 whole bricks, then the last channels."""
        height, width, depth = part.shape
        if not where.bricks:
            yield self._tile(where, height, width, base, depth), part
            return
        size, whole = part.dtype.itemsize, depth // BRICK
        strides = (where.stride_y, where.stride_x, where.stride_c, size)
        if whole:
            there = self.view(where.region, base, (height, width, whole, BRICK), strides, where.dtype)
            rows, columns, _ = part.strides
            yield there, as_strided(part, there.shape, (rows, columns, BRICK * part.strides[2], part.strides[2]))
        if depth % BRICK:
            at, shape = base + whole * where.stride_c, (height, width, depth % BRICK)
            there = self.view(where.region, at, shape, (where.stride_y, where.stride_x, size), where.dtype)
            yield there, part[:, :, whole * BRICK :]

    def _tile(self, where: FeatureMap, height: int, width: int, base: int, depth: int) -> Array:
        strides = (where.stride_y, where.stride_x, where.stride_c)
        return self.view(where.region, base, (height, width, depth), strides, where.dtype)


def tiles(where: FeatureMap, shape: tuple[int, int, int]) -> Iterator[tuple[int, int, int, int, int]]:
    """(first row, first column, rows, columns, base) of every tile that the shape reaches."""
    height, width, _ = shape
    left = min(width, where.width0)
    for x, columns, split, upper, lower in (
        (0, left, where.height0, where.bases[0], where.bases[2]),
        (left, width - left, where.height1, where.bases[1], where.bases[3]),
    ):
        if columns > 0:
            top = min(height, split)
            yield 0, x, top, columns, upper
            if height > top:
                yield top, x, height - top, columns, lower
