"""NPU_OP_ELEMENTWISE: one or two operands, element by element, then the output stage.

With `a`, `b` the operands minus their zero points: ADD, SUB `scaled(a) +- scaled(b)`; MUL `a * b`; MIN, MAX; ABS `|a|`;
LRELU `a if a >= 0 else a * scale`; CLZ leading zeros of 32 bits; SHR, SHL by b bits. On U85 also LSR, DIV towards zero (TOSA
INTDIV), CMP_* of the scaled operands (-1 for true, 0 for false: `ConvertBool8Tensors` in Vela), AND, OR, XOR, NOT, `a & ~b`.

Scaling of ADD and SUB (source: `GenerateScalingForElementwise` in Vela; TFLite's Add): U55/U65 either multiply both by 16-bit
scales, or shift one left by 19 (8-bit; 14 for 16-bit) and multiply the other by a 32-bit scale with a shift whose first
rounding is at 31 - 20 (31 - 15); U85 scales both with registers that name that left shift (`dbl_rnd`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.fixed_point import (
    DOUBLE,
    NATURAL,
    count_leading_zeros,
    multiply_shift,
    round_natural,
    round_symmetric,
    round_truncate,
)
from ethosu_simulator.jit import compiled
from ethosu_simulator.ops.output_stage import finish

if TYPE_CHECKING:
    from ethosu_simulator.operations import Elementwise
    from ethosu_simulator.scaling import OperandScale, OutputStage

Array = NDArray[Any]
_ON_SCALED = {
    "ADD": np.add, "SUB": np.subtract, "MIN": np.minimum, "MAX": np.maximum,
    "CMP_EQ": np.equal, "CMP_NE": np.not_equal, "CMP_GE": np.greater_equal, "CMP_GT": np.greater,
}  # fmt: skip
_BITS = {"AND": np.bitwise_and, "OR": np.bitwise_or, "XOR": np.bitwise_xor}


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


def elementwise(operation: Elementwise, a: Array, b: Array, stage: OutputStage) -> Array:
    """The output [height, width, depth] for int64 operands, zero points already subtracted, already broadcast."""
    acc = _compute(operation, a, b, stage.rounding)
    depth = acc.shape[2]
    scaling = operation.scale.scaling()
    return finish(np.ascontiguousarray(acc).reshape(-1, depth), scaling, stage).reshape(acc.shape)


def _compute(operation: Elementwise, a: Array, b: Array, rounding: int) -> Array:
    mode = operation.mode
    if mode in _ON_SCALED:
        result: Array = _ON_SCALED[mode](scaled(a, operation.scale_a), scaled(b, operation.scale_b))
        return -result.astype(np.int64) if result.dtype == np.bool_ else result
    if mode == "MUL":
        return a * b
    if mode == "DIV":
        return _divide(a, b)
    if mode == "LRELU":
        return np.where(a < 0, scaled(a, operation.negative), scaled(a, operation.scale_a))
    return _bitwise(mode, a, b, rounding)


def _divide(a: Array, b: Array) -> Array:
    """The quotient towards zero; no source says what the hardware gives for a divisor of 0, or for -2**31 / -1."""
    if not b.all() or bool(((a == -(1 << 31)) & (b == -1)).any()):
        raise NotModelled("NPU_OP_ELEMENTWISE", "DIV by zero, or of -2**31 by -1")
    quotient: Array = np.abs(a) // np.abs(b) * (np.sign(a) * np.sign(b))
    return quotient


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
