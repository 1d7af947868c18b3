"""The columns of convolutions: weights in the order the vector loops read them, bias, scales and limits per block of channels.

With `BYTES`, inputs are read as unsigned bytes (signed ones plus 128), so that `128 * sum(weights)` leaves with the bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.llvm import LANES
from ethosu_simulator.fast.vectors import BYTES, ELEMENT_BYTES, PIXELS, VECTORS
from ethosu_simulator.fixed_point import DOUBLE, FIRST_SHIFT, NATURAL
from ethosu_simulator.lookup_tables import DIRECT
from ethosu_simulator.ops.conv import ifm_magnitude
from ethosu_simulator.ops.output_stage import check_reach

if TYPE_CHECKING:
    from ethosu_simulator.fast.program import Builder
    from ethosu_simulator.operands import Window
    from ethosu_simulator.scaling import OutputStage
    from ethosu_simulator.weights import Kernel

Array = NDArray[Any]
LIMIT = 1 << 31
MAX_SHIFT = 62


def add_products(
    builder: Builder, columns: dict[int, int], kernel: Kernel, win: Window, stage: OutputStage, zero: int, *, depthwise: bool,
    macs: int, threads: int,
) -> bool:  # fmt: skip
    """Adds the step of a convolution whose window and feature maps `columns` has; False when it would not be exact."""
    parameters = _parameters(kernel, stage, zero, columns[at.FLIP])
    table = _table(stage)
    if parameters is None or table is None:
        return False
    kind, depth = at.DEPTHWISE if depthwise else at.CONVOLUTION, columns[at.IN_DEPTH]
    columns |= _depthwise(builder, kernel, win, columns) if depthwise else _runs(builder, kernel, win, columns)
    columns |= {
        at.KIND: kind, at.PARAMETERS: builder.data(parameters), at.TABLE: builder.data(table) if len(table) else -1,
        at.ZERO: stage.zero_point, at.LOW: stage.low, at.HIGH: stage.high, at.PIXEL_STEP: win.stride_x * depth * ELEMENT_BYTES,
    }  # fmt: skip
    if not depthwise:
        bundles = -(-win.ofm[2] // (LANES * VECTORS))
        columns[at.PARTS] = min(bundles, 2 * threads) if columns[at.CHUNKS] < threads else 1
        columns[at.CHUNKS] *= columns[at.PARTS]
    rows = (columns[at.CHUNK_ROWS] - 1) * win.stride_y + columns[at.REACH_Y]
    room = (rows * columns[at.PITCH] + (PIXELS + 1) * win.stride_x * depth + 128) * ELEMENT_BYTES
    builder.step(columns, macs * (8 if depthwise else 1) + win.ofm[0] * win.ofm[1] * win.ofm[2] * 16, room)
    return True


def _parameters(kernel: Kernel, stage: OutputStage, zero: int, flip: int) -> NDArray[np.uint8] | None:
    """Per block bias, scale, second shift, half, adjustment (int32), first shift, its half (int64); None when not exact."""
    reach = ifm_magnitude("uint8" if flip == 0 else "int8", zero)
    offset, fits = 0, kernel.magnitude * reach < 1 << 24
    if BYTES:
        reach, offset = 255, flip
        fits = int(kernel.weights.min(initial=0)) >= -128 and int(kernel.weights.max(initial=0)) <= 127
    if not fits or stage.rounding not in (DOUBLE, NATURAL) or stage.first_shift != FIRST_SHIFT:
        return None
    bias, scale = kernel.scaling.bias - (zero + offset) * kernel.sums, kernel.scaling.scale.copy()
    first = np.minimum(kernel.scaling.shift, FIRST_SHIFT) if stage.rounding == DOUBLE else kernel.scaling.shift.copy()
    second = kernel.scaling.shift - first
    for channel in range(len(bias)):
        most = kernel.magnitude * reach + abs(int(bias[channel]))
        shifts = int(first[channel]), int(second[channel])
        if most * int(scale[channel]) + (1 << shifts[0]) < 1 << max(0, sum(shifts) - 1):
            bias[channel] = scale[channel] = first[channel] = second[channel] = 0  # less than a half, always: rounds to 0
        elif not _fits(most, int(scale[channel]), *shifts, stage.zero_point):
            return None
    narrow = (bias, scale, second, (np.int64(1) << second) >> 1, -(second > 0).astype(np.int64))
    wide = (first, (np.int64(1) << first) >> 1)
    joined = [_blocks(narrow, np.int32), _blocks(wide, np.int64)]
    return np.ascontiguousarray(np.concatenate(joined, axis=1))


def _fits(most: int, scale: int, first: int, second: int, zero: int) -> bool:
    """True when a sum of magnitude `most` passes through the vector form without leaving its 32 and 64 bits."""
    after = (most * scale >> first) + 2 + (1 << second) + abs(zero)
    return max(most, scale, after) < LIMIT and first <= MAX_SHIFT


def _blocks(rows: tuple[NDArray[np.int64], ...], kind: Any) -> NDArray[np.uint8]:
    """Rows of one number per channel -> bytes [blocks of 16 channels, those rows], the last block filled with zeros."""
    blocks = -(-len(rows[0]) // LANES)
    table = np.zeros((blocks, len(rows), LANES), kind)
    for row, values in enumerate(rows):
        table[:, row] = np.concatenate([values, np.zeros(blocks * LANES - len(values), np.int64)]).reshape(blocks, LANES)
    return table.reshape(blocks, -1).view(np.uint8)


def _table(stage: OutputStage) -> NDArray[np.uint8] | None:
    """The table by the byte that goes in; empty without one; None for a table that is not of bytes into bytes."""
    if stage.table is None:
        return np.zeros(0, np.uint8)
    if stage.table.kind != DIRECT:
        return None
    check_reach(stage.table, stage.low, stage.high)
    table = np.zeros(256, np.uint8)
    values = np.arange(stage.low, stage.high + 1)
    if not -128 <= stage.low <= stage.high <= 255 or stage.high - stage.low > 255:
        return None
    table[values & 0xFF] = (stage.table.values[values + stage.table.offset] & 0xFF).astype(np.uint8)
    return table


def _runs(builder: Builder, kernel: Kernel, win: Window, columns: dict[int, int]) -> dict[int, int]:
    """Runs of neighbouring input elements (a kernel row, or one place of a dilated one) and the weights in that order."""
    outputs, height, width, depth = kernel.weights.shape
    pitch = columns[at.PITCH]
    joined = win.dilation_x == 1
    weights = kernel.weights.reshape(outputs, height if joined else height * width, -1)
    xs = (0,) if joined else tuple(x * win.dilation_x * depth for x in range(width))
    offsets = [(y * win.dilation_y * pitch + x) * ELEMENT_BYTES for y in range(height) for x in xs]
    group = 4 // ELEMENT_BYTES
    groups = -(-weights.shape[2] // group)
    blocks = -(-outputs // LANES)
    kind = np.int8 if BYTES else np.float32
    full = np.zeros((blocks * LANES, len(offsets), groups * group), kind)
    full[:outputs, :, : weights.shape[2]] = weights
    ordered = full.reshape(blocks, LANES, len(offsets), groups, group).transpose(2, 3, 0, 1, 4)
    bundles = [_bytes(ordered[:, :, b : b + VECTORS]) for b in range(0, blocks, VECTORS)]
    flat = (height, width, win.stride_y, win.stride_x) == (1, 1, 1, 1) and win.padded_width == win.ofm[1]
    return {
        at.RUNS: builder.numbers(offsets), at.RUN_COUNT: len(offsets), at.GROUPS: groups,
        at.WEIGHTS: builder.data(np.concatenate(bundles)), at.FLAT: int(flat),
    }  # fmt: skip


def _depthwise(builder: Builder, kernel: Kernel, win: Window, columns: dict[int, int]) -> dict[int, int]:
    channels, height, width, _one = kernel.weights.shape
    blocks, depth = -(-channels // LANES), columns[at.IN_DEPTH]
    full = np.zeros((blocks * LANES, height * width), np.int32 if BYTES else np.float32)
    full[:channels] = kernel.weights.reshape(channels, -1)
    weights = full.reshape(blocks, LANES, -1).transpose(0, 2, 1)
    offsets = [
        (y * win.dilation_y * columns[at.PITCH] + x * win.dilation_x * depth) * ELEMENT_BYTES
        for y in range(height)
        for x in range(width)
    ]
    return {at.RUNS: builder.numbers(offsets), at.RUN_COUNT: len(offsets), at.WEIGHTS: builder.data(weights)}


def _bytes(values: Array) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
