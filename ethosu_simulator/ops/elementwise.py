"""NPU_OP_ELEMENTWISE: one or two operands, element by element, then the output stage.

With `a`, `b` the operands minus their zero points: ADD, SUB `scaled(a) +- scaled(b)`; MUL `a * b`; MIN, MAX; ABS `|a|`;
LRELU `a if a >= 0 else a * scale`; CLZ leading zeros of 32 bits; SHR, SHL by b bits. On U85 also LSR, DIV towards zero (TOSA
INTDIV), CMP_* of the scaled operands (-1 for true, 0 for false: `ConvertBool8Tensors` in Vela), AND, OR, XOR, NOT, `a & ~b`.

Scaling of ADD and SUB (source: `GenerateScalingForElementwise` in Vela; TFLite's Add): U55/U65 either multiply both by 16-bit
scales, or shift one left by 19 (8-bit; 14 for 16-bit) and multiply the other by a 32-bit scale with a shift whose first
rounding is at 31 - 20 (31 - 15); U85 scales both with registers that name that left shift (`dbl_rnd`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.fixed_point import (
    DOUBLE,
    FIRST_SHIFT,
    NATURAL,
    count_leading_zeros,
    multiply_shift,
    round_natural,
    round_symmetric,
    round_truncate,
)
from ethosu_simulator.jit import compiled
from ethosu_simulator.ops.output_stage import UNIT, OutputStage, Scaling, finish

if TYPE_CHECKING:
    from ethosu_simulator.register_file import RegisterFile

Array = NDArray[Any]
UNARY = ("ABS", "LRELU", "CLZ", "NOT")
SCALED = ("ADD", "SUB", "MUL", "LRELU", "ABS")
_LEFT_SHIFTS = {8: 20, 16: 15}
_COMPARISONS = {"CMP_EQ": np.equal, "CMP_NE": np.not_equal, "CMP_GE": np.greater_equal, "CMP_GT": np.greater}
_BITS = {"AND": np.bitwise_and, "OR": np.bitwise_or, "XOR": np.bitwise_xor}


@dataclass(frozen=True)
class OperandScale:
    """x -> x * scale / 2**shift with the first rounding at `first`."""

    scale: int
    shift: int
    first: int
    mode: int


PLAIN = OperandScale(1, 0, FIRST_SHIFT, NATURAL)


@compiled
def _scaled(x: Array, scale: int, shift: int, first: int, mode: int, out: Array) -> None:
    for i in range(x.size):
        out[i] = multiply_shift(np.int64(x[i]), scale, shift, first, mode)


def scaled(x: Array, how: OperandScale) -> Array:
    """Scaled and rounded x, int64 of the same shape."""
    if how.shift == 0:
        product: Array = x * np.int64(how.scale)
        return product
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty(flat.shape, np.int64)
    _scaled(flat, how.scale, how.shift, how.first, how.mode, out)
    return out.reshape(x.shape)


@compiled
def _shift_right(a: Array, b: Array, mode: int, out: Array) -> None:
    for i in range(a.size):
        shift = min(max(b[i], 0), 63)
        if mode == NATURAL:
            out[i] = round_natural(a[i], shift)
        elif mode == DOUBLE:
            out[i] = round_symmetric(a[i], shift)
        else:
            out[i] = round_truncate(a[i], shift)


@compiled
def _leading_zeros(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = count_leading_zeros(a[i])


def _flat(function: Any, a: Array, *rest: Any) -> Array:
    out = np.empty(a.size, np.int64)
    function(np.ascontiguousarray(a).reshape(-1), *rest, out)
    return out.reshape(a.shape)


def operand_scales(registers: RegisterFile, mode: str) -> tuple[OperandScale, OperandScale]:
    """How the first and the second operand are scaled."""
    if registers.config.product == "u85":
        return _scales_u85(registers, mode)
    if mode not in ("ADD", "SUB"):
        return PLAIN, PLAIN
    how = registers.choice("IFM_PRECISION", "scale_mode")
    opa, shift = registers.number("OPA_SCALE", "scale"), registers.number("OPA_SCALE", "shift")
    if how == "OPA_OPB_16":
        opb = registers.number("OPB_SCALE")
        return OperandScale(opa, 0, FIRST_SHIFT, NATURAL), OperandScale(opb, 0, FIRST_SHIFT, NATURAL)
    bits = 8 << registers.number("IFM_PRECISION", "activation_precision")
    if bits not in _LEFT_SHIFTS:
        raise NotModelled("NPU_OP_ELEMENTWISE", f"scale_mode {how} of {bits}-bit operands")
    left = _LEFT_SHIFTS[bits]
    rounding = registers.choice("IFM_PRECISION", "round_mode")
    if rounding == "TRUNCATE":
        raise NotModelled("NPU_SET_IFM_PRECISION", "round_mode TRUNCATE of an operand")
    small = OperandScale(opa, shift, FIRST_SHIFT - left, DOUBLE if rounding == "DBL" else NATURAL)
    large = OperandScale(1 << (left - 1), 0, FIRST_SHIFT, NATURAL)
    return (small, large) if how == "OPA_32" else (large, small)


def _scales_u85(registers: RegisterFile, mode: str) -> tuple[OperandScale, OperandScale]:
    if mode not in ("ADD", "SUB", "LRELU", "MIN", "MAX", *_COMPARISONS):
        return PLAIN, PLAIN
    return _scale_u85(registers, "IFM_SCALE"), PLAIN if mode in UNARY else _scale_u85(registers, "IFM2_SCALE")


def _scale_u85(registers: RegisterFile, name: str) -> OperandScale:
    rounding = DOUBLE if registers.choice(name, "round_mode") == "DOUBLE_SYMMETRIC" else NATURAL
    first = FIRST_SHIFT - registers.number(name, "dbl_rnd")
    return OperandScale(registers.number(name, "scale"), registers.number(name, "shift"), first, rounding)


def output_scaling(registers: RegisterFile, mode: str, bits: int) -> Scaling:
    """OFM_SCALE where the operation has one: for 32-bit MUL only its shift counts (the product has 64 bits)."""
    u85 = registers.config.product == "u85"
    if not u85 and (mode not in SCALED or registers.choice("OFM_PRECISION", "scale_mode") != "GLOBAL"):
        return UNIT
    if u85 and mode not in (*SCALED, "MIN", "MAX", "NOT", "AND_NOT", *_BITS, *_COMPARISONS):
        return UNIT
    scale, shift = registers.number("OFM_SCALE", "scale"), registers.number("OFM_SCALE", "shift")
    if mode == "LRELU":
        return UNIT
    if mode == "MUL" and bits == 32:
        scale = 1
    return Scaling(UNIT.bias, np.array([scale], np.int64), np.array([shift], np.int64))


def elementwise(mode: str, a: Array, b: Array, registers: RegisterFile, scaling: Scaling, stage: OutputStage) -> Array:
    """The output [height, width, depth] for int64 operands, zero points already subtracted, already broadcast."""
    acc = _compute(mode, a, b, registers, stage.rounding)
    depth = acc.shape[2]
    return finish(np.ascontiguousarray(acc).reshape(-1, depth), scaling, stage).reshape(acc.shape)


def _compute(mode: str, a: Array, b: Array, registers: RegisterFile, rounding: int) -> Array:
    scale_a, scale_b = operand_scales(registers, mode)
    if mode in ("ADD", "SUB", "MIN", "MAX"):
        function = {"ADD": np.add, "SUB": np.subtract, "MIN": np.minimum, "MAX": np.maximum}[mode]
        result: Array = function(scaled(a, scale_a), scaled(b, scale_b))
        return result
    if mode in _COMPARISONS:
        truth: Array = -_COMPARISONS[mode](scaled(a, scale_a), scaled(b, scale_b)).astype(np.int64)
        return truth
    if mode == "MUL":
        return a * b
    if mode == "DIV":
        return _divide(a, b)
    if mode == "LRELU":
        return _leaky(a, registers, rounding)
    return _bitwise(mode, a, b, rounding)


def _divide(a: Array, b: Array) -> Array:
    """The quotient towards zero; no source says what the hardware gives for a divisor of 0, or for -2**31 / -1."""
    if not b.all() or bool(((a == -(1 << 31)) & (b == -1)).any()):
        raise NotModelled("NPU_OP_ELEMENTWISE", "DIV by zero, or of -2**31 by -1")
    quotient: Array = np.abs(a) // np.abs(b) * (np.sign(a) * np.sign(b))
    return quotient


def _leaky(a: Array, registers: RegisterFile, rounding: int) -> Array:
    if registers.config.product == "u85":
        positive = scaled(a, _scale_u85(registers, "IFM_SCALE"))
        return np.where(a < 0, scaled(a, _scale_u85(registers, "IFM2_SCALE")), positive)
    scale, shift = registers.number("OFM_SCALE", "scale"), registers.number("OFM_SCALE", "shift")
    return np.where(a < 0, scaled(a, OperandScale(scale, shift, FIRST_SHIFT, rounding)), a)


def _bitwise(mode: str, a: Array, b: Array, rounding: int) -> Array:
    if mode in _BITS:
        return _BITS[mode](a, b)
    if mode in ("NOT", "AND_NOT"):
        return ~a if mode == "NOT" else a & ~b
    if mode == "ABS":
        return np.abs(a)
    if mode == "CLZ":
        return _flat(_leading_zeros, a)
    if mode == "SHR":
        return _flat(_shift_right, a, np.ascontiguousarray(b).reshape(-1), rounding)
    if mode == "SHL":
        shifted: Array = (a << np.clip(b, 0, 31)).astype(np.int32).astype(np.int64)
        return shifted
    if mode == "LSR":
        unsigned: Array = (a & 0xFFFFFFFF) >> np.clip(b, 0, 32)
        return unsigned
    raise NotModelled("NPU_OP_ELEMENTWISE", f"elementwise_mode {mode}")
