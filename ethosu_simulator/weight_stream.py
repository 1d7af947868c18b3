"""Compressed weight bytes -> the weights in stream order: standard format (all products) and U85's fast format.

Source: ethos-u-vela 5.2.0, `ethosu/mlw_codec/mlw_decode.c` (standard) and `ethosu/regor/dependencies/mlw_codec/source/`
(`mlw_encode_fwd.cpp`, fast), read as the specification of the format.

Standard format: slices of Golomb-Rice coded indices, least significant bit first. Each slice names its palette, then holds
chunks of 12 unary codes for weights (in two parts) and up to 12 for runs of zeros, and the remainders of the chunk before.
Fast format: a 32-byte header (raw flag, small table flag, zero adjustment, 16 entries of 9 bits), then 2, 4 or 8 bits each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError
from ethosu_simulator.jit import compiled, inlined

if TYPE_CHECKING:
    Bytes = NDArray[np.uint8]
    Weights = NDArray[np.int16]

MAX_WEIGHTS = 1 << 26
FWD_HEADER_BYTES = 32

_DRY, _TOO_LONG, _MALFORMED = -1, -2, -3
_REASONS = {
    _DRY: "weight stream runs dry",
    _TOO_LONG: "weight stream holds more weights than the operation has",
    _MALFORMED: "weight stream breaks its own format",
}
_NO_ZERO_RUNS, _END, _UNCOMPRESSED = 6, 7, 7
_SLICE = 1 << 15


@inlined
def _bits(data: Bytes, at: int, count: int) -> int:
    """`count` (0..16) bits from bit `at`; the caller has checked that they are there."""
    byte = at >> 3
    word = np.int64(data[byte]) if count > 0 else np.int64(0)
    if (at & 7) + count > 8:
        word |= np.int64(data[byte + 1]) << 8
    if (at & 7) + count > 16:
        word |= np.int64(data[byte + 2]) << 16
    bits: int = (word >> (at & 7)) & ((1 << count) - 1)
    return bits


@compiled
def _decode_standard(data: Bytes, out: Weights) -> tuple[int, int]:  # noqa: C901 - one bit-serial state machine
    """(number of weights written to `out`, 0 or a reason of failure)."""
    end, at, written = 8 * len(data), 0, 0
    palette = np.zeros(512, np.int64)
    values, runs = np.zeros(_SLICE + 16, np.int64), np.zeros(_SLICE + 32, np.int64)
    state = np.zeros(4, np.int64)  # palette size, direct offset, index bits, the last slice's zero divisor
    first = True
    while True:
        if at + 3 > end:
            return written, 0
        zero_divisor = _bits(data, at, 3)
        at += 3
        if zero_divisor == _END:
            at = (at + 7) & ~7
            first = True
            if at >= end:
                return written, 0
            continue
        if zero_divisor == 4 or zero_divisor == 5:
            return written, _MALFORMED
        if at + 20 > end:
            return written, _DRY
        count = _bits(data, at, 15) + 1
        weight_divisor = _bits(data, at + 15, 3)
        truncated = _bits(data, at + 18, 1)
        new_palette = _bits(data, at + 19, 1)
        at += 20
        if not new_palette and (first or (zero_divisor == _NO_ZERO_RUNS) != (state[3] == _NO_ZERO_RUNS)):
            return written, _MALFORMED
        first = False
        state[3] = zero_divisor
        if new_palette:
            at = _read_palette(data, at, end, palette, state)
            if at < 0:
                return written, _DRY
        uncompressed = weight_divisor == _UNCOMPRESSED
        if uncompressed:
            weight_divisor = state[2]
        elif weight_divisor > 5:
            return written, _MALFORMED
        at = _read_slice(data, at, end, count, new_palette, uncompressed, weight_divisor, truncated, zero_divisor, values, runs)
        if at < 0:
            return written, at
        written = _emit(out, written, values, runs, count, new_palette, zero_divisor != _NO_ZERO_RUNS, palette, state)
        if written < 0:
            return 0, written


@compiled
def _read_palette(data: Bytes, at: int, end: int, palette: NDArray[np.int64], state: NDArray[np.int64]) -> int:
    """The position after the palette, or a negative reason; fills `palette` and `state`."""
    if at + 13 > end:
        return _DRY
    state[1] = _bits(data, at, 5)
    size = _bits(data, at + 5, 5)
    size = size + 1 if size > 0 else 0
    bits = _bits(data, at + 10, 3) + 2
    at += 13
    if at + size * bits > end:
        return _DRY
    for i in range(size):
        palette[i] = _bits(data, at, bits)
        at += bits
    state[0] = size
    index_bits = 0
    if size > 0:
        while (1 << index_bits) < size:
            index_bits += 1
    else:
        index_bits = bits
    state[2] = index_bits
    return at


@compiled
def _read_slice(  # noqa: C901 - the chunk loop of the format, in its own order
    data: Bytes, at: int, end: int, count: int, new_palette: int, uncompressed: bool, weight_divisor: int, truncated: int,
    zero_divisor: int, values: NDArray[np.int64], runs: NDArray[np.int64],
) -> int:  # fmt: skip
    """The position after the slice, or a negative reason; fills `values` and `runs`."""
    zero_runs = zero_divisor != _NO_ZERO_RUNS
    run_count = count + (1 if new_palette else 0)
    run_bits = 12 if zero_divisor < 3 else 8
    weight_symbols = 8 if uncompressed and weight_divisor > 5 else 12
    w_at, w_done, w_carry, w_held, w_on = 0, 0, 0, 0, False
    z_at, z_done, z_carry, z_held, z_on = 0, 0, 0, 0, False
    w_next, z_next = np.zeros(12, np.int64), np.zeros(12, np.int64)
    w_quotients, z_quotients = np.zeros(12, np.int64), np.zeros(12, np.int64)
    while True:
        balance = w_at - z_at if zero_runs else 0
        w_enable = (balance < 8 or not zero_runs) and w_at < count
        z_enable = balance >= 0 and zero_runs and z_at < run_count
        unary, w_count, z_count = 0, 0, 0
        if w_enable and not uncompressed:
            if at + 12 > end:
                return _DRY
            unary = _bits(data, at, 12)
            at += 12
        if z_enable:
            if at + run_bits > end:
                return _DRY
            z_unary = _bits(data, at, run_bits)
            at += run_bits
            for i in range(run_bits):
                if (z_unary >> i) & 1:
                    z_carry += 1
                else:
                    z_next[z_count] = z_carry
                    z_count += 1
                    z_carry = 0
            z_at += z_count
        if w_enable:
            ones = 0
            for i in range(weight_symbols):
                ones += (unary >> i) & 1
            if at + ones > end:
                return _DRY
            second = _bits(data, at, ones)
            at += ones
            for i in range(weight_symbols):
                code = 0
                if (unary >> i) & 1:
                    code = 1 + (second & 1)
                    second >>= 1
                w_carry += code
                if code < 2 or truncated:
                    w_next[w_count] = w_carry
                    w_count += 1
                    w_carry = 0
            w_at += w_count
        if w_on:
            for i in range(w_held):
                if w_done < count:
                    if at + weight_divisor > end:
                        return _DRY
                    values[w_done] = (w_quotients[i] << weight_divisor) + _bits(data, at, weight_divisor)
                    at += weight_divisor
                    w_done += 1
        if z_on:
            for i in range(z_held):
                if z_done < run_count:
                    if at + zero_divisor > end:
                        return _DRY
                    runs[z_done] = (z_quotients[i] << zero_divisor) + _bits(data, at, zero_divisor)
                    at += zero_divisor
                    z_done += 1
        w_on, z_on, w_held, z_held = w_enable, z_enable, w_count, z_count
        w_quotients, w_next = w_next, w_quotients
        z_quotients, z_next = z_next, z_quotients
        if not (w_on or z_on):
            return at


@compiled
def _emit(
    out: Weights, written: int, values: NDArray[np.int64], runs: NDArray[np.int64], count: int, new_palette: int,
    zero_runs: bool, palette: NDArray[np.int64], state: NDArray[np.int64],
) -> int:  # fmt: skip
    """How many weights `out` holds with this slice, zeros between; or a negative reason."""
    lead = 1 if new_palette else 0
    if zero_runs and lead:
        if written + runs[0] > len(out):
            return _TOO_LONG
        for _ in range(runs[0]):
            out[written] = 0
            written += 1
    for i in range(count):
        index = values[i]
        if index >= 512:
            return _MALFORMED
        value = palette[index] if index < state[0] else index - state[0] + state[1]
        following = runs[i + lead] if zero_runs else 0
        if written + 1 + following > len(out):
            return _TOO_LONG
        out[written] = -(value >> 1) if value & 1 else value >> 1
        written += 1
        for _ in range(following):
            out[written] = 0
            written += 1
    return written


def decode_standard(data: Bytes, limit: int) -> Weights:
    """At most `limit` weights, int16 [n], -255..255; WeightStreamError when the stream is damaged or longer."""
    if not 0 <= limit <= MAX_WEIGHTS:
        raise WeightStreamError(f"{limit} weights in one operation: expected at most {MAX_WEIGHTS}")
    out = np.empty(limit, np.int16)
    count, reason = _decode_standard(np.ascontiguousarray(data), out)
    if reason:
        raise WeightStreamError(_REASONS[reason])
    return out[:count]


def decode_fast(data: Bytes, limit: int) -> Weights:
    """The first `limit` weights of a U85 fast stream, int16 [limit]; WeightStreamError when it is shorter."""
    if len(data) < FWD_HEADER_BYTES:
        raise WeightStreamError(f"fast weight stream of {len(data)} bytes: expected a {FWD_HEADER_BYTES}-byte header")
    header = int.from_bytes(data[:FWD_HEADER_BYTES].tobytes(), "little")
    body = data[FWD_HEADER_BYTES:]
    raw, small = header & 1, (header >> 1) & 1
    width = 8 if raw else 2 if small else 4
    if not 0 <= limit <= len(body) * 8 // width:
        raise WeightStreamError(f"fast weight stream holds {len(body) * 8 // width} weights: expected {limit}")
    if raw:
        adjust = (((header >> 104) & 0xFF) ^ 0x80) - 0x80
        values: Weights = body[:limit].view(np.int8).astype(np.int16) - np.int16(adjust)
        return values
    folded = np.array([(header >> (112 + 9 * i)) & 0x1FF for i in range(16)], np.int16)
    table = np.where(folded & 1, -(folded >> 1), folded >> 1).astype(np.int16)
    return _table_indices(body, width, limit, table)


def _table_indices(body: Bytes, width: int, limit: int, table: Weights) -> Weights:
    shifts = np.arange(0, 8, width, dtype=np.uint8)
    used = body[: -(-limit * width // 8)]
    indices = (used[:, None] >> shifts) & ((1 << width) - 1)
    weights: NDArray[Any] = table[indices.reshape(-1)[:limit]]
    return weights
