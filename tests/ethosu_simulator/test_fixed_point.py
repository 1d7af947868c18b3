"""Every rounding is what its formula says, in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ethosu_simulator import fixed_point as fp
from ethosu_simulator.jit import compiled

ACCUMULATORS = st.integers(-(2**31), 2**31 - 1)
SCALES = st.integers(0, 2**31 - 1)
SHIFTS = st.integers(0, 62)


@compiled
def _multiply_shift(x: int, scale: int, shift: int, first: int, mode: int) -> int:
    return fp.multiply_shift(x, scale, shift, first, mode)


def _run(x: int, scale: int, shift: int, mode: int, first: int = 31) -> int:
    return int(_multiply_shift(np.int64(x), np.int64(scale), np.int64(shift), np.int64(first), np.int64(mode)))


def _nearest_away(value: Fraction) -> int:
    return int(math.copysign(1, value)) * math.floor(abs(value) + Fraction(1, 2))


@settings(deadline=None)  # the first call compiles
@given(ACCUMULATORS, SCALES, SHIFTS)
def test_natural_rounds_halves_up(x: int, scale: int, shift: int) -> None:
    assert _run(x, scale, shift, fp.NATURAL) == math.floor(Fraction(x * scale, 2**shift) + Fraction(1, 2))


@settings(deadline=None)  # the first call compiles
@given(ACCUMULATORS, SCALES, SHIFTS)
def test_truncate_rounds_towards_zero(x: int, scale: int, shift: int) -> None:
    assert _run(x, scale, shift, fp.TRUNCATE) == math.trunc(Fraction(x * scale, 2**shift))


@settings(deadline=None)  # the first call compiles
@given(ACCUMULATORS, SCALES, SHIFTS)
def test_symmetric_rounds_halves_away_from_zero(x: int, scale: int, shift: int) -> None:
    assert _run(x, scale, shift, fp.SYMMETRIC) == _nearest_away(Fraction(x * scale, 2**shift))


@settings(deadline=None)  # the first call compiles
@given(ACCUMULATORS, SCALES, SHIFTS)
def test_down_is_the_floor(x: int, scale: int, shift: int) -> None:
    assert _run(x, scale, shift, fp.DOWN) == math.floor(Fraction(x * scale, 2**shift))


@settings(deadline=None)  # the first call compiles
@given(ACCUMULATORS, SCALES, SHIFTS, st.sampled_from([31, 16, 11]))
def test_double_rounds_up_first_and_then_away_from_zero(x: int, scale: int, shift: int, first: int) -> None:
    if shift <= first:
        expected = math.floor(Fraction(x * scale, 2**shift) + Fraction(1, 2))
    else:
        high = math.floor(Fraction(x * scale, 2**first) + Fraction(1, 2))
        expected = _nearest_away(Fraction(high, 2 ** (shift - first)))
    assert _run(x, scale, shift, fp.DOUBLE, first) == expected


@settings(deadline=None)  # the first call compiles
@given(ACCUMULATORS)
def test_leading_zeros_are_those_of_32_bits(x: int) -> None:
    assert fp.count_leading_zeros(x) == 32 - (x & 0xFFFFFFFF).bit_length()
