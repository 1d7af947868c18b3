"""What differs between configurations of one product, as rows of data.

Sources: the weight encoders and `ethosu_u55.cpp`, `ethosu_u65.cpp`, `ethosu_u85.cpp` in ethos-u-vela 5.2.0 (`ethosu/regor/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE_BYTES = 2048


@dataclass(frozen=True)
class Configuration:
    """Where table memory begins in the NPU's own addresses, depth of a U55 or U65 output micro-block, U85's weight decoders."""

    tables_at: int
    ofm_ublock_depth: int
    weight_decoders: int


def _u55(shared_bytes: int, ofm_ublock_depth: int) -> Configuration:
    """The tables are the end of the shared buffer."""
    return Configuration(shared_bytes - TABLE_BYTES, ofm_ublock_depth, 1)


CONFIGURATIONS: Mapping[tuple[str, int], Configuration] = MappingProxyType(
    {
        ("u55", 32): _u55(16384, 4),
        ("u55", 64): _u55(16384, 8),
        ("u55", 128): _u55(24576, 8),
        ("u55", 256): _u55(49152, 8),
        ("u65", 256): _u55(49152, 8),
        ("u65", 512): _u55(49152, 8),
        ("u85", 128): Configuration(0, 0, 1),
        ("u85", 256): Configuration(0, 0, 1),
        ("u85", 512): Configuration(0, 0, 2),
        ("u85", 1024): Configuration(0, 0, 4),
        ("u85", 2048): Configuration(0, 0, 4),
    }
)
