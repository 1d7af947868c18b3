"""Accumulators -> output elements: bias, scale, rounding, zero point, clip, table look-up; the end of every operation.

`out = table(clip(round((acc + bias) * scale / 2**shift) + zero_point))`, scale and shift per channel or one for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled, StreamError
from ethosu_simulator.fixed_point import multiply_shift, saturate
from ethosu_simulator.jit import compiled, inlined
from ethosu_simulator.lookup_tables import BIASED, DIRECT, INTERPOLATED, SIGMOID, TANH, Table

if TYPE_CHECKING:
    from ethosu_simulator.scaling import OutputStage, Scaling

Array = NDArray[Any]
Longs = NDArray[np.int64]

NO_TABLE = np.zeros(0, np.int32)


@inlined
def look_up(table: NDArray[np.int32], x: int, kind: int, offset: int) -> int:
    """The table's value at x; see lookup_tables.py for the kinds."""
    if kind == DIRECT:
        direct: int = np.int64(table[x + offset])
        return direct
    step = 7 if kind == INTERPOLATED else 9 if kind == SIGMOID else 8
    reach = 256 << step
    if kind != INTERPOLATED:
        x = saturate(x, 1 - reach, reach - 1)
    word = np.int64(table[(x + reach) >> step])
    base = ((word & 0xFFFF) ^ 0x8000) - 0x8000
    value: int = (base << step) + (word >> 16) * ((x + reach) & ((1 << step) - 1))
    if kind == INTERPOLATED:
        return (value + 64) >> 7
    if kind == SIGMOID:
        return (value + (BIASED << 9) + (512 if x >= 0 else 511)) >> 10
    return (value + (128 if x >= 0 else 127)) >> 8


@compiled
def _finish(
    acc: Array, bias: Longs, scale: Longs, shift: Longs, first: int, mode: int, zero: int, low: int, high: int,
    table: NDArray[np.int32], kind: int, offset: int, out: Array,
) -> None:  # fmt: skip
    rows, columns = acc.shape
    per_channel, looks = len(scale) > 1, len(table) > 0
    curve = kind in (SIGMOID, TANH)
    for row in range(rows):
        for column in range(columns):
            at = column if per_channel else 0
            value = np.int64(acc[row, column]) + bias[at]
            value = multiply_shift(value, scale[at], shift[at], first, mode) + zero
            if looks and curve:
                out[row, column] = saturate(look_up(table, value, kind, offset), low, high)
            else:
                value = saturate(value, low, high)
                out[row, column] = look_up(table, value, kind, offset) if looks else value


def finish(acc: Array, scaling: Scaling, stage: OutputStage) -> Array:
    """Output elements of `stage.dtype` for accumulators [rows, channels] of any dtype that holds them exactly."""
    out = np.empty(acc.shape, stage.dtype)
    values, kind, offset = NO_TABLE, DIRECT, 0
    if stage.table is not None:
        values, kind, offset = stage.table.values, stage.table.kind, stage.table.offset
        check_reach(stage.table, stage.low, stage.high)
    columns = acc.shape[1]
    lengths = {len(scaling.bias), len(scaling.scale), len(scaling.shift)}
    if lengths != {1} and lengths != {columns}:
        raise StreamError(f"{lengths} scales for {columns} channels")
    _finish(
        acc, scaling.bias, scaling.scale, scaling.shift, stage.first_shift, stage.rounding, stage.zero_point, stage.low,
        stage.high, values, kind, offset, out,
    )  # fmt: skip
    return out


def check_reach(found: Table, low: int, high: int) -> None:
    """Refuses a clip range that would reach outside the table."""
    if found.kind in (SIGMOID, TANH):
        return
    low, high = min(low, high), max(low, high)  # a range the wrong way round gives one of its ends
    first, last = (low + found.offset, high + found.offset) if found.kind == DIRECT else (low + 32768 >> 7, high + 32768 >> 7)
    if first < 0 or last >= len(found.values):
        raise NotModelled("NPU_SET_ACTIVATION", f"a table of {len(found.values)} for values {low}..{high}")
