"""Element by element, for any element type: the elementwise operations and the sums of few elements, without a vector form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import layout as at
from ethosu_simulator.fixed_point import (
    DOUBLE,
    NATURAL,
    count_leading_zeros,
    multiply_shift,
    round_natural,
    round_symmetric,
    round_truncate,
    saturate,
)
from ethosu_simulator.jit import compiled
from ethosu_simulator.lookup_tables import SIGMOID, TANH
from ethosu_simulator.ops.output_stage import look_up

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

ADD, SUB, MUL, MIN, MAX, ABS, CLZ, SHR, SHL = range(9)
SUM, MEAN, REDUCE_SUM = range(3)


@compiled
def read(memory: Bytes, place: int, kind: int) -> int:
    """An element of 1, 2 or 4 bytes; a negative kind is signed."""
    value: int = np.int64(memory[place])
    size = abs(kind)
    if kind == -1:
        return (value ^ 0x80) - 0x80
    if kind == 1:
        return value
    for i in range(1, size):
        value |= np.int64(memory[place + i]) << (8 * i)
    if kind < 0 and value >> (8 * size - 1):
        value -= np.int64(1) << (8 * size)
    return value


@compiled
def write(memory: Bytes, place: int, kind: int, value: int) -> None:
    """Stores the low bytes of a value."""
    for i in range(abs(kind)):
        memory[place + i] = (value >> (8 * i)) & 0xFF


@compiled
def _finish(value: int, step: Numbers, words: NDArray[np.int32]) -> int:
    """The output stage of ethosu_simulator.ops.output_stage for one value."""
    value = multiply_shift(value, step[at.SCALE], step[at.SHIFT], 31, step[at.ROUND]) + step[at.ZERO]
    kind = step[at.TABLE_KIND]
    if len(words) and kind in (SIGMOID, TANH):
        return saturate(look_up(words, value, kind, step[at.TABLE_OFFSET]), step[at.LOW], step[at.HIGH])
    value = saturate(value, step[at.LOW], step[at.HIGH])
    return look_up(words, value, kind, step[at.TABLE_OFFSET]) if len(words) else value


@compiled
def _bits(a: int, b: int, mode: int, rounding: int) -> int:
    if mode == CLZ:
        return count_leading_zeros(a)
    if mode == SHL:
        shifted = (a << min(max(b, 0), 31)) & 0xFFFFFFFF
        return (shifted ^ 0x80000000) - 0x80000000
    shift = min(max(b, 0), 63)
    if rounding == NATURAL:
        return round_natural(a, shift)
    if rounding == DOUBLE:
        return round_symmetric(a, shift)
    return round_truncate(a, shift)


@compiled
def _compute(a: int, b: int, mode: int, rounding: int) -> int:
    if mode == ADD:
        return a + b
    if mode == SUB:
        return a - b
    if mode == MUL:
        return a * b
    if mode == MIN:
        return min(a, b)
    if mode == MAX:
        return max(a, b)
    if mode == ABS:
        return abs(a)
    return _bits(a, b, mode, rounding)


@compiled
def _operand(memory: Bytes, row: int, x: int, c: int, step: Numbers, first: int) -> int:
    """An element of the operand whose columns begin at `first`; `row` is its row's address."""
    kind = step[first + 6]
    place = row + x * step[first + 1] + c // 16 * step[first + 2] + c % 16 * abs(kind)
    return read(memory, place, kind)


@compiled
def elementwise(step: Numbers, memory: Bytes, numbers: Numbers, words: NDArray[np.int32]) -> None:
    """A whole elementwise operation; an operand with depth 0 is the constant 0 minus its zero point."""
    mode, scaled = step[at.MODE], step[at.MODE] in (ADD, SUB, MIN, MAX)
    for y in range(step[at.OUT_HEIGHT]):
        row = numbers[step[at.OUT_ROWS] + y]
        row_a = numbers[step[at.IN_ROWS] + y % max(1, step[at.IN_HEIGHT])]
        row_b = numbers[step[at.IN2_ROWS] + y % max(1, step[at.IN2_HEIGHT])]
        for x in range(step[at.OUT_WIDTH]):
            for c in range(step[at.OUT_DEPTH]):
                a, b = -step[at.ZERO_A], -step[at.ZERO_B]
                if step[at.IN_DEPTH]:
                    a += _operand(memory, row_a, x % step[at.IN_WIDTH], c % step[at.IN_DEPTH], step, at.IN_ROWS)
                if step[at.IN2_DEPTH]:
                    b += _operand(memory, row_b, x % step[at.IN2_WIDTH], c % step[at.IN2_DEPTH], step, at.IN2_ROWS)
                if scaled:
                    a = multiply_shift(a, step[at.SCALE_A], step[at.SHIFT_A], step[at.FIRST_A], step[at.ROUND_A])
                    b = multiply_shift(b, step[at.SCALE_B], step[at.SHIFT_B], step[at.FIRST_B], step[at.ROUND_B])
                value = _finish(_compute(a, b, mode, step[at.ROUND]), step, words)
                kind = step[at.OUT_TYPE]
                place = row + x * step[at.OUT_PIXEL] + c // 16 * step[at.OUT_BLOCK] + c % 16 * abs(kind)
                write(memory, place, kind, value)


@compiled
def _sum(step: Numbers, memory: Bytes, numbers: Numbers, y: int, x: int, c: int) -> tuple[int, int]:
    """(sum of the input minus its zero point, pixels inside) under the window of one output element."""
    total, inside = np.int64(0), np.int64(0)
    top, left = y * step[at.STRIDE_Y] - step[at.TOP], x * step[at.STRIDE_X] - step[at.LEFT]
    zero, kind = step[at.ZERO_A], step[at.IN_TYPE]
    block = c // 16 * step[at.IN_BLOCK] + c % 16 * abs(kind)
    for row in range(max(0, top), min(step[at.INSIDE_HEIGHT], top + step[at.KERNEL_Y])):
        start = numbers[step[at.IN_ROWS] + row] + block
        for column in range(max(0, left), min(step[at.INSIDE_WIDTH], left + step[at.KERNEL_X])):
            total += read(memory, start + column * step[at.IN_PIXEL], kind) - zero
            inside += 1
    return total, inside


@compiled
def _pooled(step: Numbers, memory: Bytes, numbers: Numbers, y: int, x: int, c: int) -> int:
    """One output element before the output stage."""
    if step[at.MODE] == REDUCE_SUM:
        over_channels: int = np.int64(0)
        for channel in range(step[at.IN_DEPTH]):
            over_channels += _sum(step, memory, numbers, y, x, channel)[0]
        return over_channels
    total, count = _sum(step, memory, numbers, y, x, c)
    if step[at.MODE] == MEAN:
        count = max(1, count)
        mean = (2 * abs(total) + count) // (2 * count)
        total = -mean if total < 0 else mean
    return total


@compiled
def pool(step: Numbers, memory: Bytes, numbers: Numbers, words: NDArray[np.int32]) -> None:
    """A whole pool that sums: AVERAGE and SUM, MEAN, or the sum over channels."""
    kind = step[at.OUT_TYPE]
    for y in range(step[at.OUT_HEIGHT]):
        row = numbers[step[at.OUT_ROWS] + y]
        for x in range(step[at.OUT_WIDTH]):
            for c in range(step[at.OUT_DEPTH]):
                value = _pooled(step, memory, numbers, y, x, c)
                place = row + x * step[at.OUT_PIXEL] + c // 16 * step[at.OUT_BLOCK] + c % 16 * abs(kind)
                write(memory, place, kind, _finish(value, step, words))
