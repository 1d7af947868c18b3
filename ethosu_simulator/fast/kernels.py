"""One chunk of one step: rows of the output, computed from checked addresses.

`base` is the address of the NPU's memory, `memory` the same bytes as an array; `numbers` and `data` hold row addresses,
offsets, weights, parameters and tables; `scratch` belongs to the thread. Copies of 16 elements may run over the end of a
pixel: what they overwrite is written afterwards, or is room that nobody reads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.llvm import LANES
from ethosu_simulator.fast.vectors import (
    ELEMENT_BYTES,
    PARAMETER_BYTES,
    PIXELS,
    VECTORS,
    copy_bytes,
    copy_elements,
    depthwise_tile,
    map_row,
    products_pixel,
    products_tile,
    requantise_plain,
    requantise_table,
)
from ethosu_simulator.jit import compiled

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

ACC_BYTES = PIXELS * VECTORS * LANES * 4
TAIL_BYTES = PIXELS * LANES
ELEMENTS_AT = ACC_BYTES + 2 * TAIL_BYTES  # where a chunk's input elements begin in the scratch memory

_TILE_1, _TILE_2, _TILE_3 = products_tile[0], products_tile[min(1, VECTORS - 1)], products_tile[min(2, VECTORS - 1)]
_PIXEL_1, _PIXEL_2, _PIXEL_3 = products_pixel[0], products_pixel[min(1, VECTORS - 1)], products_pixel[min(2, VECTORS - 1)]


@compiled
def _fill(target: int, elements: int, fill: int, flip: int, wide: bool) -> None:
    for i in range(0, elements, LANES):
        if wide:
            copy_elements(target + i * ELEMENT_BYTES, fill, flip)
        else:
            copy_bytes(target + i, fill, flip)


@compiled
def _gather_row(target: int, source: int, step: Numbers, wide: bool) -> None:
    """One row of the input as elements side by side, upscaled when asked for."""
    depth, width, flip, size = step[at.IN_DEPTH], step[at.INSIDE_WIDTH], step[at.FLIP], ELEMENT_BYTES if wide else 1
    upscale, pixel, block = step[at.UPSCALE], step[at.IN_PIXEL], step[at.IN_BLOCK]
    if pixel == depth and block == LANES and upscale == 0:
        depth, width, pixel = depth * width, 1, 0
    for x in range(width):
        to, here = target + x * depth * size, source + (x >> upscale) * pixel
        for first in range(0, depth, LANES):
            if wide:
                copy_elements(to + first * size, here + first // LANES * block, flip)
            else:
                copy_bytes(to + first, here + first // LANES * block, flip)


@compiled
def _gather(target: int, first: int, count: int, step: Numbers, base: int, numbers: Numbers, data: int, wide: bool) -> None:
    """Padded rows first .. first + count as elements [row, padded width, depth]."""
    size = ELEMENT_BYTES if wide else 1
    depth, fill, flip = step[at.IN_DEPTH], data + step[at.FILL], step[at.FLIP]
    pitch, left, inside = step[at.PITCH] * size, step[at.LEFT], step[at.INSIDE_WIDTH]
    right = step[at.PADDED_WIDTH] - left - inside
    for row in range(count):
        y, to = first + row - step[at.TOP], target + row * pitch
        if y < 0 or y >= step[at.INSIDE_HEIGHT]:
            _fill(to, step[at.PITCH], fill, flip, wide)
            continue
        _fill(to, left * depth, fill, flip, wide)
        source = base + numbers[step[at.IN_ROWS] + (y >> step[at.UPSCALE])]
        _gather_row(to + left * depth * size, source, step, wide)
        _fill(to + (left + inside) * depth * size, right * depth, fill, flip, wide)


@compiled
def _requantise(
    acc: int, acc_step: int, count: int, block: int, step: Numbers, data: int, target: int, target_step: int
) -> None:
    parameters = data + step[at.PARAMETERS] + block * PARAMETER_BYTES
    zero, low, high = step[at.ZERO], step[at.LOW], step[at.HIGH]
    if step[at.TABLE] >= 0:
        table = data + step[at.TABLE]
        requantise_table(acc, acc_step, count, parameters, zero, low, high, table, target, target_step)
    else:
        requantise_plain(acc, acc_step, count, parameters, zero, low, high, 0, target, target_step)


@compiled
def _emit(
    acc: int, acc_step: int, count: int, block: int, y: int, x: int, step: Numbers, base: int, memory: Bytes, numbers: Numbers,
    data: int, scratch: Bytes,
) -> None:  # fmt: skip
    """Output stage and store of `count` pixels of one block of 16 channels, from row y, column x on, over row ends too."""
    width, pixel = step[at.OUT_WIDTH], step[at.OUT_PIXEL]
    lanes = min(LANES, step[at.OUT_DEPTH] - block * LANES)
    while count > 0:
        now = min(count, width - x)
        place = numbers[step[at.OUT_ROWS] + y] + x * pixel + block * step[at.OUT_BLOCK]
        if lanes == LANES:
            _requantise(acc, acc_step, now, block, step, data, base + place, pixel)
        else:
            _requantise(acc, acc_step, now, block, step, data, scratch.ctypes.data + ACC_BYTES, LANES)
            for m in range(now):
                for lane in range(lanes):
                    memory[place + m * pixel + lane] = scratch[ACC_BYTES + m * LANES + lane]
        count, acc, x, y = count - now, acc + now * acc_step, 0, y + 1


@compiled
def _products(inputs: int, pixel_step: int, runs: int, run_count: int, groups: int, weights: int, out: int, vectors: int,
              single: bool) -> None:  # fmt: skip
    if single:
        if vectors == 1:
            _PIXEL_1(inputs, pixel_step, runs, run_count, groups, weights, out)
        elif vectors == 2:
            _PIXEL_2(inputs, pixel_step, runs, run_count, groups, weights, out)
        else:
            _PIXEL_3(inputs, pixel_step, runs, run_count, groups, weights, out)
    elif vectors == 1:
        _TILE_1(inputs, pixel_step, runs, run_count, groups, weights, out)
    elif vectors == 2:
        _TILE_2(inputs, pixel_step, runs, run_count, groups, weights, out)
    else:
        _TILE_3(inputs, pixel_step, runs, run_count, groups, weights, out)


@compiled
def convolution(step: Numbers, chunk: int, base: int, memory: Bytes, numbers: Numbers, data: int, scratch: Bytes) -> None:
    """Rows of a convolution for some of its output channels."""
    parts = step[at.PARTS]
    part, first = chunk % parts, chunk // parts * step[at.CHUNK_ROWS]
    rows = min(step[at.CHUNK_ROWS], step[at.OUT_HEIGHT] - first)
    acc = scratch.ctypes.data
    elements = acc + ELEMENTS_AT
    _gather(
        elements, first * step[at.STRIDE_Y], (rows - 1) * step[at.STRIDE_Y] + step[at.REACH_Y], step, base, numbers, data, True
    )
    lines, width = (1, rows * step[at.OUT_WIDTH]) if step[at.FLAT] else (rows, step[at.OUT_WIDTH])
    line_step, pixel_step = step[at.STRIDE_Y] * step[at.PITCH] * ELEMENT_BYTES, step[at.PIXEL_STEP]
    runs, run_count, groups = numbers.ctypes.data + 8 * step[at.RUNS], step[at.RUN_COUNT], step[at.GROUPS]
    blocks = (step[at.OUT_DEPTH] + LANES - 1) // LANES
    bundles = (blocks + VECTORS - 1) // VECTORS
    for bundle in range(part * bundles // parts, (part + 1) * bundles // parts):
        block = bundle * VECTORS
        vectors = min(VECTORS, blocks - block)
        weights = data + step[at.WEIGHTS] + block * run_count * groups * 64
        for line in range(lines):
            for x in range(0, width, PIXELS):
                count = min(PIXELS, width - x)
                inputs = elements + line * line_step + x * pixel_step
                _products(inputs, pixel_step, runs, run_count, groups, weights, acc, vectors, count == 1)
                for v in range(vectors):
                    _emit(acc + v * 64, vectors * 64, count, block + v, first + line + (x // step[at.OUT_WIDTH]),
                          x % step[at.OUT_WIDTH], step, base, memory, numbers, data, scratch)  # fmt: skip


@compiled
def depthwise(step: Numbers, chunk: int, base: int, memory: Bytes, numbers: Numbers, data: int, scratch: Bytes) -> None:
    """Rows of a depthwise convolution."""
    first = chunk * step[at.CHUNK_ROWS]
    rows = min(step[at.CHUNK_ROWS], step[at.OUT_HEIGHT] - first)
    acc = scratch.ctypes.data
    elements = acc + ELEMENTS_AT
    _gather(
        elements, first * step[at.STRIDE_Y], (rows - 1) * step[at.STRIDE_Y] + step[at.REACH_Y], step, base, numbers, data, True
    )
    width, line_step, pixel_step = step[at.OUT_WIDTH], step[at.STRIDE_Y] * step[at.PITCH] * ELEMENT_BYTES, step[at.PIXEL_STEP]
    taps, tap_count = numbers.ctypes.data + 8 * step[at.RUNS], step[at.RUN_COUNT]
    for block in range((step[at.OUT_DEPTH] + LANES - 1) // LANES):
        weights = data + step[at.WEIGHTS] + block * tap_count * 64
        for line in range(rows):
            for x in range(0, width, PIXELS):
                inputs = elements + line * line_step + x * pixel_step + block * LANES * ELEMENT_BYTES
                depthwise_tile(inputs, pixel_step, taps, tap_count, weights, acc)
                _emit(acc, 64, min(PIXELS, width - x), block, first + line, x, step, base, memory, numbers, data, scratch)


@compiled
def _map_pixels(
    place: int, out_pixel: int, source: int, in_pixel: int, count: int, lanes: int, table: int, base: int, memory: Bytes,
    scratch: Bytes,
) -> None:  # fmt: skip
    """One block of channels of `count` pixels through a table."""
    if lanes == LANES:
        map_row(base + place, out_pixel, source, in_pixel, count, table, 0)
        return
    for m in range(count):
        map_row(scratch.ctypes.data + ACC_BYTES, LANES, source + m * in_pixel, LANES, 1, table, 0)
        for lane in range(lanes):
            memory[place + m * out_pixel + lane] = scratch[ACC_BYTES + lane]


@compiled
def mapped(step: Numbers, chunk: int, base: int, memory: Bytes, numbers: Numbers, data: int, scratch: Bytes) -> None:
    """Rows of an operation that looks each byte up in a table, upscaled by two when asked for."""
    first, table, upscale = chunk * step[at.CHUNK_ROWS], data + step[at.TABLE], step[at.UPSCALE]
    width, depth, out_pixel, in_pixel = step[at.OUT_WIDTH], step[at.OUT_DEPTH], step[at.OUT_PIXEL], step[at.IN_PIXEL]
    for y in range(first, min(first + step[at.CHUNK_ROWS], step[at.OUT_HEIGHT])):
        place, source = numbers[step[at.OUT_ROWS] + y], base + numbers[step[at.IN_ROWS] + (y >> upscale)]
        side_by_side = step[at.IN_BLOCK] == step[at.OUT_BLOCK] == LANES and in_pixel == out_pixel == depth
        if side_by_side and upscale == 0:
            whole = width * depth // LANES
            map_row(base + place, LANES, source, LANES, whole, table, 0)
            rest = whole * LANES
            _map_pixels(place + rest, 0, source + rest, 0, min(1, width * depth - rest), width * depth - rest, table, base,
                        memory, scratch)  # fmt: skip
            continue
        for block in range((depth + LANES - 1) // LANES):
            lanes = min(LANES, depth - block * LANES)
            to, here = place + block * step[at.OUT_BLOCK], source + block * step[at.IN_BLOCK]
            for phase in range(1 + upscale):
                _map_pixels(to + phase * out_pixel, out_pixel << upscale, here, in_pixel, (width + upscale - phase) >> upscale,
                            lanes, table, base, memory, scratch)  # fmt: skip


@compiled
def mapped_pair(step: Numbers, chunk: int, memory: Bytes, numbers: Numbers, table: Bytes) -> None:
    """Rows of an operation of two bytes, looked up in a table of all 65,536 pairs."""
    first, depth = chunk * step[at.CHUNK_ROWS], step[at.OUT_DEPTH]
    for y in range(first, min(first + step[at.CHUNK_ROWS], step[at.OUT_HEIGHT])):
        row, row_a, row_b = numbers[step[at.OUT_ROWS] + y], numbers[step[at.IN_ROWS] + y], numbers[step[at.IN2_ROWS] + y]
        for x in range(step[at.OUT_WIDTH]):
            for block in range((depth + LANES - 1) // LANES):
                out = row + x * step[at.OUT_PIXEL] + block * step[at.OUT_BLOCK]
                a = row_a + x * step[at.IN_PIXEL] + block * step[at.IN_BLOCK]
                b = row_b + x * step[at.IN2_PIXEL] + block * step[at.IN2_BLOCK]
                for lane in range(min(LANES, depth - block * LANES)):
                    memory[out + lane] = table[(np.int64(memory[a + lane]) << 8) | np.int64(memory[b + lane])]


@compiled
def _fold(run: Bytes, out: Bytes, largest: bool) -> None:
    for i in range(len(out)):
        out[i] = max(out[i], run[i]) if largest else min(out[i], run[i])


@compiled
def extreme(step: Numbers, chunk: int, base: int, memory: Bytes, numbers: Numbers, data: int, scratch: Bytes) -> None:
    """Rows of a MAX or MIN pool of bytes; bytes are ordered as unsigned once their sign is flipped."""
    first, depth, width = chunk * step[at.CHUNK_ROWS], step[at.OUT_DEPTH], step[at.OUT_WIDTH]
    rows, pitch, largest = min(step[at.CHUNK_ROWS], step[at.OUT_HEIGHT] - first), step[at.PITCH], step[at.MODE] == 1
    line = width * depth
    start = ELEMENTS_AT + line + LANES
    needed = (rows - 1) * step[at.STRIDE_Y] + step[at.REACH_Y]
    _gather(scratch.ctypes.data + start, first * step[at.STRIDE_Y], needed, step, base, numbers, data, False)
    out = scratch[ELEMENTS_AT : ELEMENTS_AT + line]
    for y in range(rows):
        out[:] = 0 if largest else 255
        for ky in range(step[at.KERNEL_Y]):
            for kx in range(step[at.KERNEL_X]):
                here = start + (y * step[at.STRIDE_Y] + ky) * pitch + kx * depth
                if step[at.STRIDE_X] == 1:
                    _fold(scratch[here : here + line], out, largest)
                    continue
                for x in range(width):
                    pixel = here + x * step[at.STRIDE_X] * depth
                    _fold(scratch[pixel : pixel + depth], out[x * depth : (x + 1) * depth], largest)
        place = numbers[step[at.OUT_ROWS] + first + y]
        for block in range((depth + LANES - 1) // LANES):
            source = scratch.ctypes.data + ELEMENTS_AT + block * LANES
            _map_pixels(place + block * step[at.OUT_BLOCK], step[at.OUT_PIXEL], source, depth, width,
                        min(LANES, depth - block * LANES), data + step[at.TABLE], base, memory, scratch)  # fmt: skip
