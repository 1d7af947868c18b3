"""Accumulators -> output elements: bias, scale, rounding, zero point, clip, table look-up; the end of every operation.

`out = table(clip(round((acc + bias) * scale / 2**shift) + zero_point))`, scale and shift per channel or one for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import NotModelled
from simulator.fixed_point import DOUBLE, DOWN, FIRST_SHIFT, NATURAL, SYMMETRIC, TRUNCATE, multiply_shift, saturate
from simulator.jit import compiled
from simulator.ops.feature_maps import dtype_of

if TYPE_CHECKING:
    from simulator.register_file import RegisterFile

Array = NDArray[Any]
Longs = NDArray[np.int64]

ROUNDINGS = {
    "DBL": DOUBLE, "TRUNCATE": TRUNCATE, "NATURAL": NATURAL,
    "DOUBLE_SYMMETRIC": DOUBLE, "SYMMETRIC": SYMMETRIC, "TRUNCATE_TO_ZERO": TRUNCATE, "TRUNCATE_TO_LOWER": DOWN,
}  # fmt: skip
_U55_CLIPS = {"FORCE_UINT8": (0, 255), "FORCE_INT8": (-128, 127), "FORCE_INT16": (-32768, 32767)}
NO_TABLE = np.zeros(0, np.int32)
SHRAM_TABLES = 2048  # bytes of table memory, at the end of U55's and U65's SHRAM


@dataclass(frozen=True)
class Table:
    """A look-up: `values[x + offset]`, or with `interpolate` 512 pairs (base, slope) over 16-bit x."""

    values: NDArray[np.int32]
    offset: int
    interpolate: bool


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
    return OutputStage(
        rounding=ROUNDINGS[rounding],
        first_shift=FIRST_SHIFT,
        zero_point=registers.signed("OFM_ZERO_POINT") if _signed(registers) else registers.value("OFM_ZERO_POINT"),
        low=low,
        high=high,
        dtype=dtype_of(registers, "OFM"),
        table=(_table_u85 if u85 else _table_u55)(registers, tables),
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


def _table_u55(registers: RegisterFile, tables: NDArray[np.uint8]) -> Table | None:
    function = registers.choice("ACTIVATION", "activation_function")
    if function == "RELU":
        return None
    if not function.startswith("TABLE_"):
        raise NotModelled("NPU_SET_ACTIVATION", f"activation_function {function}")
    data = tables[int(function[6:]) * 256 :]
    dtype = dtype_of(registers, "OFM")
    if dtype in ("int8", "uint8"):
        return Table(data[:256].view(dtype).astype(np.int32), 128 if dtype == "int8" else 0, interpolate=False)
    if dtype == "int32" and registers.choice("ACTIVATION", "activation_clip_range") == "FORCE_INT8":
        return _words(data, 256, 128)
    if dtype == "int16":
        return _pairs(tables)
    raise NotModelled("NPU_SET_ACTIVATION", f"activation_function {function} into {dtype}")


def _table_u85(registers: RegisterFile, tables: NDArray[np.uint8]) -> Table | None:
    function, index = registers.choice("ACTIVATION", "activation_function"), registers.number("ACTIVATION", "table")
    if function == "LUT_NONE":
        return None
    if function == "LUT_S8_S8":
        return Table(tables[index * 256 :][:256].view(np.int8).astype(np.int32), 128, interpolate=False)
    if function == "LUT_U8_U8":
        return Table(tables[index * 256 :][:256].astype(np.int32), 0, interpolate=False)
    if function == "LUT_S8_S16":
        return Table(tables[index * 512 :][:512].view(np.int16).astype(np.int32), 128, interpolate=False)
    if function == "LUT_S8_S32":
        return _words(tables[index * 1024 :], 256, 128)
    if function == "LUT_S16_S16":
        return _pairs(tables)
    raise NotModelled("NPU_SET_ACTIVATION", f"activation_function {function}")


def _words(data: NDArray[np.uint8], count: int, offset: int) -> Table:
    if len(data) < 4 * count:
        raise NotModelled("NPU_SET_ACTIVATION", "a table of 32-bit words that wraps around the table memory")
    return Table(data[: 4 * count].view(np.int32).copy(), offset, interpolate=False)


def _pairs(tables: NDArray[np.uint8]) -> Table:
    """The whole table memory as 512 words: base in the low half, slope in the high half."""
    return Table(tables[:2048].view(np.int32).copy(), 32768, interpolate=True)


@compiled
def _finish(
    acc: Array, bias: Longs, scale: Longs, shift: Longs, first: int, mode: int, zero: int, low: int, high: int,
    table: NDArray[np.int32], offset: int, interpolate: bool, out: Array,
) -> None:  # fmt: skip
    rows, columns = acc.shape
    per_channel, look_up = len(scale) > 1, len(table) > 0
    for row in range(rows):
        for column in range(columns):
            at = column if per_channel else 0
            value = np.int64(acc[row, column]) + bias[at]
            value = saturate(multiply_shift(value, scale[at], shift[at], first, mode) + zero, low, high)
            if look_up:
                if interpolate:
                    word = np.int64(table[(value + offset) >> 7])
                    base = ((word & 0xFFFF) ^ 0x8000) - 0x8000
                    value = base + (((word >> 16) * ((value + offset) & 127) + 64) >> 7)
                else:
                    value = np.int64(table[value + offset])
            out[row, column] = value


def finish(acc: Array, scaling: Scaling, stage: OutputStage) -> Array:
    """Output elements of `stage.dtype` for accumulators [rows, channels] of any dtype that holds them exactly."""
    out = np.empty(acc.shape, stage.dtype)
    table = stage.table
    values, offset, interpolate = (NO_TABLE, 0, False) if table is None else (table.values, table.offset, table.interpolate)
    if table is not None:
        reach = (stage.high + offset) >> (7 if interpolate else 0)
        if stage.low + offset < 0 or reach >= len(values):
            raise NotModelled("NPU_SET_ACTIVATION", f"a table of {len(values)} for values {stage.low}..{stage.high}")
    columns = acc.shape[1]
    scaling_columns = {len(scaling.bias), len(scaling.scale), len(scaling.shift)}
    if scaling_columns != {1} and scaling_columns != {columns}:
        raise AssertionError(f"{scaling_columns} scales for {columns} channels")
    _finish(
        acc, scaling.bias, scaling.scale, scaling.shift, stage.first_shift, stage.rounding, stage.zero_point, stage.low,
        stage.high, values, offset, interpolate, out,
    )  # fmt: skip
    return out
