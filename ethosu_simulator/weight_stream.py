"""Compressed weight bytes -> the weights in stream order: the standard format of all products.

Source: ethos-u-vela 5.2.0, `ethosu/mlw_codec/mlw_decode.c`, read as the specification of the format.

Standard format: slices of Golomb-Rice coded indices, least significant bit first. Each slice names its palette, then holds
chunks of 12 unary codes for weights (in two parts) and up to 12 for runs of zeros, and the remainders of the chunk before.

The hardware decodes a slice as a pipeline of two stages, and the bits lie in the order that these need them: while quotients of
one chunk are read (unary codes of weights, then of runs, then the second bits of the weights' codes), the chunk before gets its
remainders (of weights, then of runs). Weights and runs need not keep pace: weights stop while they are 8 symbols ahead, runs
while they are behind none. One slice ends when both have nothing left and the last remainders are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError
from ethosu_simulator.jit import compiled, inlined

if TYPE_CHECKING:
    Bytes = NDArray[np.uint8]
    Weights = NDArray[np.int16]

MAX_WEIGHTS = 1 << 26

_DRY, _TOO_LONG, _MALFORMED = -1, -2, -3
_REASONS = {
    _DRY: "weight stream runs dry",
    _TOO_LONG: "weight stream holds more weights than the operation has",
    _MALFORMED: "weight stream breaks its own format",
}
_NO_ZERO_RUNS, _END, _UNCOMPRESSED = 6, 7, 7
_SLICE = 1 << 15
_ZERO_DIVISOR_BITS, _HEADER_BITS = 3, 20
_CHUNK = 12
_OVERREAD_BYTES = 64  # what is read before the end is looked for: at most a palette, or a chunk with its remainders

# Numbers of a Palette and of Symbols that change.
_SIZE, _OFFSET, _INDEX_BITS = range(3)
_CODED, _DONE, _HELD, _CARRY = range(4)


class Palette(NamedTuple):
    """Sign-magnitude values by index; beyond `numbers[_SIZE]` an index stands for itself, from `numbers[_OFFSET]` on."""

    values: NDArray[np.int64]
    numbers: NDArray[np.int64]


class Header(NamedTuple):
    """What a slice says before its palette: how many weights it has; a divisor is the bits of a remainder."""

    weights: int
    zero_divisor: int
    weight_divisor: int
    truncated: int
    new_palette: int


class Symbols(NamedTuple):
    """Weights' indices, or runs of zeros, of one slice.

    `numbers`: how many have a quotient, how many are done, how many quotients are held for the next remainders, and the part of
    a quotient that its next code continues.
    """

    values: NDArray[np.int64]
    quotients: NDArray[np.int64]
    numbers: NDArray[np.int64]


@inlined
def _bits(data: Bytes, at: int, count: int) -> int:
    """`count` (0..16) bits from bit `at`."""
    byte = at >> 3
    word = np.int64(data[byte]) | (np.int64(data[byte + 1]) << 8) | (np.int64(data[byte + 2]) << 16)
    bits: int = (word >> (at & 7)) & ((1 << count) - 1)
    return bits


@compiled
def _decode_standard(data: Bytes, end: int, out: Weights) -> tuple[int, int]:
    """(number of weights written to `out`, 0 or a reason of failure) for `end` bits of data and some bytes behind them."""
    palette = Palette(np.zeros(512, np.int64), np.zeros(3, np.int64))
    weights = Symbols(np.zeros(_SLICE + 16, np.int64), np.zeros(_CHUNK, np.int64), np.zeros(4, np.int64))
    runs = Symbols(np.zeros(_SLICE + 32, np.int64), np.zeros(_CHUNK, np.int64), np.zeros(4, np.int64))
    at, written, first, had_runs = 0, 0, True, True
    while at + _ZERO_DIVISOR_BITS <= end:
        zero_divisor = _bits(data, at, _ZERO_DIVISOR_BITS)
        if zero_divisor == _END:
            at, first = (at + _ZERO_DIVISOR_BITS + 7) & ~7, True
            continue
        header = _read_header(data, at, zero_divisor)
        has_runs = zero_divisor != _NO_ZERO_RUNS
        if zero_divisor > 3 and has_runs:
            return written, _MALFORMED
        at += _ZERO_DIVISOR_BITS + _HEADER_BITS
        if at > end:
            return written, _DRY
        if not header.new_palette and (first or has_runs != had_runs):
            return written, _MALFORMED
        first, had_runs = False, has_runs
        if header.new_palette:
            at = _read_palette(data, at, palette)
        if header.weight_divisor == 6:
            return written, _MALFORMED
        at = _read_slice(data, at, end, header, palette.numbers[_INDEX_BITS], weights, runs)
        if at < 0:
            return written, at
        written = _emit(out, written, header, palette, weights.values, runs.values)
        if written < 0:
            return 0, written
    return written, 0


@inlined
def _read_header(data: Bytes, at: int, zero_divisor: int) -> Header:
    at += _ZERO_DIVISOR_BITS
    return Header(
        _bits(data, at, 15) + 1, zero_divisor, _bits(data, at + 15, 3), _bits(data, at + 18, 1), _bits(data, at + 19, 1)
    )


@compiled
def _read_palette(data: Bytes, at: int, palette: Palette) -> int:
    """The position after the palette."""
    size, bits = _bits(data, at + 5, 5), _bits(data, at + 10, 3) + 2
    size = size + 1 if size > 0 else 0
    palette.numbers[_OFFSET], palette.numbers[_SIZE] = _bits(data, at, 5), size
    at += 13
    for i in range(size):
        palette.values[i] = _bits(data, at, bits)
        at += bits
    index_bits = 0 if size > 0 else bits
    while (1 << index_bits) < size:
        index_bits += 1
    palette.numbers[_INDEX_BITS] = index_bits
    return at


@compiled
def _read_slice(data: Bytes, at: int, end: int, header: Header, index_bits: int, weights: Symbols, runs: Symbols) -> int:
    """The position after the slice, or a negative reason; fills `weights` and `runs`."""
    has_runs, plain = header.zero_divisor != _NO_ZERO_RUNS, header.weight_divisor == _UNCOMPRESSED
    divisor = index_bits if plain else header.weight_divisor
    weight_codes, run_codes = _codes_of_a_chunk(plain, divisor, header.zero_divisor)
    run_count = header.weights + header.new_palette
    weights.numbers[:], runs.numbers[:] = 0, 0
    going = True
    while going:
        ahead = weights.numbers[_CODED] - runs.numbers[_CODED] if has_runs else 0
        more_weights = ahead < 8 and weights.numbers[_CODED] < header.weights
        more_runs = has_runs and ahead >= 0 and runs.numbers[_CODED] < run_count
        unary_bits, run_bits = _CHUNK if more_weights and not plain else 0, run_codes if more_runs else 0
        unary, run_unary = _bits(data, at, unary_bits), _bits(data, at + unary_bits, run_bits)
        at, ones = at + unary_bits + run_bits, _count_ones(unary)
        second = _bits(data, at, ones)
        at = _read_remainders(data, at + ones, header.weights, divisor, weights)
        at = _read_remainders(data, at, run_count, header.zero_divisor, runs)
        if more_weights:
            _take_weight_codes(unary, second, weight_codes, header.truncated, weights)
        if more_runs:
            _take_run_codes(run_unary, run_codes, runs)
        if at > end:
            return _DRY
        going = more_weights or more_runs
    return at


@inlined
def _codes_of_a_chunk(plain: bool, weight_divisor: int, zero_divisor: int) -> tuple[int, int]:
    """(codes of weights, codes of runs): fewer where remainders are wide."""
    return 8 if plain and weight_divisor > 5 else _CHUNK, 8 if zero_divisor >= 3 else _CHUNK


@inlined
def _count_ones(bits: int) -> int:
    ones = 0
    while bits:
        bits &= bits - 1
        ones += 1
    return ones


@inlined
def _read_remainders(data: Bytes, at: int, count: int, divisor: int, symbols: Symbols) -> int:
    """The position after the remainders of the quotients that are held, as far as the slice has symbols for them."""
    done = symbols.numbers[_DONE]
    held = min(symbols.numbers[_HELD], count - done)
    for i in range(held):
        symbols.values[done + i] = (symbols.quotients[i] << divisor) + _bits(data, at, divisor)
        at += divisor
    symbols.numbers[_DONE], symbols.numbers[_HELD] = done + held, 0
    return at


@inlined
def _take_weight_codes(unary: int, second: int, codes: int, truncated: int, weights: Symbols) -> None:
    """Quotients out of codes: 0 ends one, 1 and a 0 behind add one and end it, 1 and a 1 add two, and end it when truncated."""
    held, carry = 0, weights.numbers[_CARRY]
    for i in range(codes):
        code = 0
        if (unary >> i) & 1:
            code = 1 + (second & 1)
            second >>= 1
        carry += code
        if code < 2 or truncated:
            weights.quotients[held] = carry
            held, carry = held + 1, 0
    weights.numbers[_HELD], weights.numbers[_CARRY] = held, carry
    weights.numbers[_CODED] += held


@inlined
def _take_run_codes(unary: int, codes: int, runs: Symbols) -> None:
    """Quotients out of codes: 1 adds one, 0 ends it."""
    held, carry = 0, runs.numbers[_CARRY]
    for i in range(codes):
        if (unary >> i) & 1:
            carry += 1
        else:
            runs.quotients[held] = carry
            held, carry = held + 1, 0
    runs.numbers[_HELD], runs.numbers[_CARRY] = held, carry
    runs.numbers[_CODED] += held


@compiled
def _emit(
    out: Weights, written: int, header: Header, palette: Palette, indices: NDArray[np.int64], runs: NDArray[np.int64]
) -> int:
    """How many weights `out` holds with this slice, zeros between; or a negative reason."""
    has_runs, lead = header.zero_divisor != _NO_ZERO_RUNS, header.new_palette
    if has_runs and lead:
        written = _emit_zeros(out, written, runs[0])
    for i in range(header.weights):
        index, following = indices[i], runs[i + lead] if has_runs else 0
        if index >= 512:
            return _MALFORMED
        if written < 0 or written >= len(out):
            return _TOO_LONG
        size = palette.numbers[_SIZE]
        value = palette.values[index] if index < size else index - size + palette.numbers[_OFFSET]
        out[written] = -(value >> 1) if value & 1 else value >> 1
        written = _emit_zeros(out, written + 1, following)
    return written


@inlined
def _emit_zeros(out: Weights, written: int, count: int) -> int:
    """The number of weights after `count` zeros, or a negative reason."""
    if written + count > len(out):
        return _TOO_LONG
    for i in range(count):
        out[written + i] = 0
    return written + count


def decode_standard(data: Bytes, limit: int) -> Weights:
    """At most `limit` weights, int16 [n], -255..255; WeightStreamError when the stream is damaged or longer."""
    if not 0 <= limit <= MAX_WEIGHTS:
        raise WeightStreamError(f"{limit} weights in one operation: expected at most {MAX_WEIGHTS}")
    out = np.empty(limit, np.int16)
    padded = np.concatenate([data, np.zeros(_OVERREAD_BYTES, np.uint8)])
    count, reason = _decode_standard(padded, 8 * len(data), out)
    if reason:
        raise WeightStreamError(_REASONS[reason])
    return out[:count]
