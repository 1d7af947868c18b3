"""Compressed weight bytes -> the weights in stream order: U85's fast format.

Source: ethos-u-vela 5.2.0, `ethosu/regor/dependencies/mlw_codec/source/mlw_encode_fwd.cpp`, read as the specification of the
format: a 32-byte header (raw flag, small table flag, zero adjustment, 16 entries of 9 bits), then 2, 4 or 8 bits each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError

if TYPE_CHECKING:
    Bytes = NDArray[np.uint8]
    Weights = NDArray[np.int16]

FWD_HEADER_BYTES = 32


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
