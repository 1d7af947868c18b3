"""Table look-ups at the end of an operation: 8-bit tables, interpolated 16-bit tables, and the two built-in 16-bit curves.

| kind | value for x |
|---|---|
| DIRECT | `values[x + offset]` |
| INTERPOLATED | 512 words (base, slope) over 16-bit x: `base + round(slope * (x & 127) / 128)` |
| SIGMOID | 512 words, x in units of 1 / (3 * 4096): position x >> 9, result in 1 / 32768 |
| TANH | the same table at x >> 8, result in 1 / 32768 |

SIGMOID and TANH are TFLite's int16 LOGISTIC and TANH (`reference/integer_ops/logistic.h`, `tanh.h`), rounding included: U55
and U65 have the curve built in, U85 is given it as a table (source: `ConvertTanhSigmoidToLUT16` in Vela).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.ops.feature_maps import dtype_of

if TYPE_CHECKING:
    from ethosu_simulator.register_file import RegisterFile

DIRECT, INTERPOLATED, SIGMOID, TANH = 0, 1, 2, 3
BIASED = 0x8000  # what the curve's table leaves out, so that it fits 16 bits
_CURVES = {"SIGMOID": SIGMOID, "TANH": TANH}

# fmt: off
SIGMOID_CURVE = (  # sigmoid(i / 24) * 65536, as TFLite's sigmoid_table_uint16 has it
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064, 42688,
    43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409,
    51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
    57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110,
    61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186,
    63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
    64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900,
    64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208,
    65221, 65234, 65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
    65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449,
    65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491,
    65493, 65495, 65497, 65498, 65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
    65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530,
    65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
)
# fmt: on


@dataclass(frozen=True)
class Table:
    """Values (or words of base and slope), what to add to x before a DIRECT look-up, and the kind."""

    values: NDArray[np.int32]
    offset: int
    kind: int = DIRECT


@cache
def _curve_words(kind: int) -> NDArray[np.int32]:
    """The built-in curve as 512 words of base and slope, from -256 to 255; SIGMOID falls to 1 at its end, never to 0."""
    curve = np.array([*SIGMOID_CURVE, SIGMOID_CURVE[-1]], np.int64) - BIASED
    points = np.concatenate([-curve[:0:-1], curve])
    slopes = np.maximum(points[1:] - points[:-1], 0)
    slopes[0] = 1 if kind == SIGMOID else 0
    words: NDArray[np.int32] = ((slopes << 16) | (points[:-1] & 0xFFFF)).astype(np.int64).astype(np.int32)
    return words


def table(registers: RegisterFile, tables: NDArray[np.uint8]) -> Table | None:
    """The table that the registers name, out of the NPU's table memory; None for no look-up."""
    return (_table_u85 if registers.config.product == "u85" else _table_u55)(registers, tables)


def _table_u55(registers: RegisterFile, tables: NDArray[np.uint8]) -> Table | None:
    function = registers.choice("ACTIVATION", "activation_function")
    if function == "RELU":
        return None
    if function in _CURVES:
        return Table(_curve_words(_CURVES[function]), 0, _CURVES[function])
    data = tables[int(function[6:]) * 256 :]
    dtype = dtype_of(registers, "OFM")
    if dtype in ("int8", "uint8"):
        return Table(data[:256].view(dtype).astype(np.int32), 128 if dtype == "int8" else 0)
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
        return Table(tables[index * 256 :][:256].view(np.int8).astype(np.int32), 128)
    if function == "LUT_U8_U8":
        return Table(tables[index * 256 :][:256].astype(np.int32), 0)
    if function == "LUT_S8_S16":
        return Table(tables[index * 512 :][:512].view(np.int16).astype(np.int32), 128)
    if function == "LUT_S8_S32":
        return _words(tables[index * 1024 :], 256, 128)
    if function == "LUT_S16_S16":
        return _pairs(tables)
    if function in ("LUT_SIGMOID", "LUT_TANH"):
        return Table(_pairs(tables).values, 0, _CURVES[function[4:]])
    raise NotModelled("NPU_SET_ACTIVATION", f"activation_function {function}")


def _words(data: NDArray[np.uint8], count: int, offset: int) -> Table:
    if len(data) < 4 * count:
        raise NotModelled("NPU_SET_ACTIVATION", "a table of 32-bit words that wraps around the table memory")
    return Table(data[: 4 * count].view(np.int32).copy(), offset)


def _pairs(tables: NDArray[np.uint8]) -> Table:
    """The whole table memory as 512 words: base in the low half, slope in the high half."""
    return Table(tables[:2048].view(np.int32).copy(), 0, INTERPOLATED)
