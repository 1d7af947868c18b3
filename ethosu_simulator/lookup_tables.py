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

import numpy as np
from numpy.typing import NDArray

DIRECT, INTERPOLATED, SIGMOID, TANH = 0, 1, 2, 3
BIASED = 0x8000  # what the curve's table leaves out, so that it fits 16 bits
CURVES = {"SIGMOID": SIGMOID, "TANH": TANH}

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


@dataclass(frozen=True)
class Lookup:
    """Which table an operation looks up: `count` entries of a dtype from byte `start` of the table memory on, or a curve."""

    kind: int
    entry: str
    start: int
    count: int
    offset: int = 0
    built_in: bool = False

    def table(self, memory: NDArray[np.uint8]) -> Table:
        """The table as the NPU's table memory holds it now."""
        if self.built_in:
            return Table(_curve_words(self.kind), 0, self.kind)
        data = memory[self.start : self.start + self.count * np.dtype(self.entry).itemsize]
        return Table(data.view(self.entry).astype(np.int32), self.offset, self.kind)
