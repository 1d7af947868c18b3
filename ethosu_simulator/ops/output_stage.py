"""Accumulators -> output elements: bias, scale, rounding, zero point, clip, table look-up; the end of every operation.

`out = table(clip(round((acc + bias) * scale / 2**shift) + zero_point))`, scale and shift per channel or one for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled, StreamError
from ethosu_simulator.fixed_point import DOUBLE, DOWN, FIRST_SHIFT, NATURAL, SYMMETRIC, TRUNCATE, multiply_shift, saturate
from ethosu_simulator.jit import compiled, inlined
from ethosu_simulator.ops.feature_maps import dtype_of
from ethosu_simulator.ops.lookup_tables import BIASED, DIRECT, INTERPOLATED, SIGMOID, TANH, Table, table

if TYPE_CHECKING:
    from ethosu_simulator.register_file import RegisterFile

Array = NDArray[Any]
Longs = NDArray[np.int64]

ROUNDINGS = {
    "DBL": DOUBLE, "TRUNCATE": TRUNCATE, "NATURAL": NATURAL,
    "DOUBLE_SYMMETRIC": DOUBLE, "SYMMETRIC": SYMMETRIC, "TRUNCATE_TO_ZERO": TRUNCATE, "TRUNCATE_TO_LOWER": DOWN,
}  # fmt: skip
_U55_CLIPS = {"FORCE_UINT8": (0, 255), "FORCE_INT8": (-128, 127), "FORCE_INT16": (-32768, 32767)}
NO_TABLE = np.zeros(0, np.int32)


@dataclass(frozen=True)
class OutputStage:
    """What happens to an accumulator, apart from scale and bias that come with the weights."""

    rounding: int
    first_shift: int
    zero_point: int
    low: int
    high: int
    dtype: str
    table: Table | None


@dataclass(frozen=True)
class Scaling:
    """Bias, multiplier and right shift, int64 [channels] or [1] for all."""

    bias: Longs
    scale: Longs
    shift: Longs


UNIT = Scaling(np.zeros(1, np.int64), np.ones(1, np.int64), np.zeros(1, np.int64))


def one_scale(scale: int, shift: int) -> Scaling:
    """The same multiplier and shift for every channel, no bias."""
    return Scaling(np.zeros(1, np.int64), np.array([scale], np.int64), np.array([shift], np.int64))


def global_scaling(registers: RegisterFile) -> Scaling:
    """What OFM_SCALE asks for."""
    return one_scale(registers.number("OFM_SCALE", "scale"), registers.number("OFM_SCALE", "shift"))


def output_stage(registers: RegisterFile, tables: NDArray[np.uint8]) -> OutputStage:
    """The stage that the registers describe; `tables` is the NPU's table memory."""
    u85 = registers.config.product == "u85"
    rounding = registers.choice("OFM_SCALE" if u85 else "OFM_PRECISION", "round_mode")
    if rounding not in ROUNDINGS:
        raise NotModelled("NPU_SET_OFM_SCALE", f"round_mode {rounding}")
    low, high = _clip_u85(registers) if u85 else _clip_u55(registers)
    if low > high:
        raise StreamError(
            f"the clip range {low}..{high} is empty: expected ACTIVATION_MIN <= ACTIVATION_MAX, within the OFM's type"
        )
    return OutputStage(
        rounding=ROUNDINGS[rounding],
        first_shift=FIRST_SHIFT,
        zero_point=registers.signed("OFM_ZERO_POINT") if _signed(registers) else registers.value("OFM_ZERO_POINT"),
        low=low,
        high=high,
        dtype=dtype_of(registers, "OFM"),
        table=table(registers, tables),
    )


def _signed(registers: RegisterFile) -> bool:
    return registers.choice("OFM_PRECISION", "activation_type") == "SIGNED"


def _bounds(registers: RegisterFile) -> tuple[int, int]:
    """ACTIVATION_MIN and MAX, signed or not as the output is."""
    if _signed(registers):
        return registers.signed("ACTIVATION_MIN"), registers.signed("ACTIVATION_MAX")
    return registers.value("ACTIVATION_MIN"), registers.value("ACTIVATION_MAX")


def _clip_u55(registers: RegisterFile) -> tuple[int, int]:
    clip = registers.choice("ACTIVATION", "activation_clip_range")
    info = np.iinfo(dtype_of(registers, "OFM"))
    if clip == "OFM_PRECISION":
        if info.bits > 16:
            return int(info.min), int(info.max)
        low, high = _bounds(registers)
        return max(low, int(info.min)), min(high, int(info.max))
    low, high = _bounds(registers)
    return max(low, _U55_CLIPS[clip][0]), min(high, _U55_CLIPS[clip][1])


def _clip_u85(registers: RegisterFile) -> tuple[int, int]:
    function = registers.choice("ACTIVATION", "activation_function")
    dtype = dtype_of(registers, "OFM")
    if function != "LUT_NONE":  # the table's input, not the output, bounds the index
        dtype = {"U8": "uint8", "S8": "int8"}.get(function.split("_")[1], "int16")
    info = np.iinfo(dtype)
    if registers.choice("ACTIVATION", "activation_clip_range") == "NONE":
        return int(info.min), int(info.max)
    low, high = _bounds(registers)
    return max(low, int(info.min)), min(high, int(info.max))


@inlined
def look_up(table: NDArray[np.int32], x: int, kind: int, offset: int) -> int:
    """The table's value at x; see tables.py for the kinds."""
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
