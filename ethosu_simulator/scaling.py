"""What happens to numbers between operands and output elements, as data: scales, rounding, clip, table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fixed_point import FIRST_SHIFT, NATURAL

if TYPE_CHECKING:
    from ethosu_simulator.lookup_tables import Table

Longs = NDArray[np.int64]


@dataclass(frozen=True)
class OperandScale:
    """x -> x * scale / 2**shift, rounded as fixed_point.py's `mode` says, with DOUBLE's first rounding at `first`."""

    scale: int
    shift: int
    first: int
    mode: int


PLAIN = OperandScale(1, 0, FIRST_SHIFT, NATURAL)


@dataclass(frozen=True)
class Scaling:
    """Bias, multiplier and right shift, int64 [channels] or [1] for all."""

    bias: Longs
    scale: Longs
    shift: Longs


@dataclass(frozen=True)
class GlobalScale:
    """One multiplier and right shift for every channel, without bias."""

    scale: int
    shift: int

    def scaling(self) -> Scaling:
        """The same as arrays of one number."""
        return Scaling(np.zeros(1, np.int64), np.array([self.scale], np.int64), np.array([self.shift], np.int64))


UNIT = GlobalScale(1, 0)


@dataclass(frozen=True)
class OutputStage:
    """What happens to an accumulator, apart from scale and bias: rounding, zero point, clip to low..high, dtype, table.

    A decoded operation has it without its table, which only a run can tell; `lookup` of its Output says which one it will be.
    """

    rounding: int
    first_shift: int
    zero_point: int
    low: int
    high: int
    dtype: str
    table: Table | None
