"""Every rounding, scaling and saturation of the NPU, on int64 (values that fit; products wrap at 64 bits as int64 does).

A scale is an unsigned multiplier and a right shift: the exact value is `x * scale / 2**shift`. What remains is rounded:

| mode | exact value v -> integer |
|---|---|
| NATURAL | floor(v + 1/2) |
| TRUNCATE | towards zero |
| DOUBLE | first `x * scale / 2**first` by floor(v + 1/2), then the rest of the shift to nearest, halves away from zero |
| SYMMETRIC | to nearest, halves away from zero |
| DOWN | floor(v) |

DOUBLE is TFLite's MultiplyByQuantizedMultiplier (gemmlowp's SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT):
`first` is 31, or 31 minus the left shift that the compiler took out of the scale (20 or 15 for additions). With a shift below
`first` there is only the first step.
"""

from __future__ import annotations

from ethosu_simulator.jit import inlined

DOUBLE, TRUNCATE, NATURAL, SYMMETRIC, DOWN = 0, 1, 2, 3, 4
FIRST_SHIFT = 31


@inlined
def round_natural(x: int, shift: int) -> int:
    """The integer floor(x / 2**shift + 1/2)."""
    return (x + ((1 << shift) >> 1)) >> shift


@inlined
def round_symmetric(x: int, shift: int) -> int:
    """The quotient x / 2**shift to nearest, halves away from zero."""
    half = (1 << shift) >> 1
    return (x + half - (1 if x < 0 and shift > 0 else 0)) >> shift


@inlined
def round_truncate(x: int, shift: int) -> int:
    """The quotient x / 2**shift towards zero."""
    return (x + (((1 << shift) - 1) if x < 0 else 0)) >> shift


@inlined
def multiply_shift(x: int, scale: int, shift: int, first: int, mode: int) -> int:
    """The product x * scale / 2**shift, rounded by `mode`; `first` only matters to DOUBLE."""
    product = x * scale
    if mode == DOUBLE:
        if shift <= first:
            return round_natural(product, shift)
        return round_symmetric(round_natural(product, first), shift - first)
    if mode == NATURAL:
        return round_natural(product, shift)
    if mode == TRUNCATE:
        return round_truncate(product, shift)
    if mode == SYMMETRIC:
        return round_symmetric(product, shift)
    return product >> shift


@inlined
def saturate(x: int, low: int, high: int) -> int:
    """The value x held in low..high."""
    return low if x < low else high if x > high else x


@inlined
def count_leading_zeros(x: int) -> int:
    """Zeros before the first one in the 32-bit two's complement of x; 32 for 0."""
    bits = x & 0xFFFFFFFF
    count = 0
    while count < 32 and not (bits >> (31 - count)) & 1:
        count += 1
    return count
