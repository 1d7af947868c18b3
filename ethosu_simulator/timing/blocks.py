"""The OFM blocks of an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import StreamError, WorkLimitError

if TYPE_CHECKING:
    from ethosu_simulator.operations import Computation

Span = tuple[int, int]
MAX_CHUNKS = 1 << 21  # of one operation: work is bounded whatever the stream says


@dataclass(frozen=True)
class Blocks:
    """The cuts of an OFM along rows, columns and depth."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    depth: tuple[Span, ...]

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self.rows) * len(self.columns) * len(self.depth)

    def sizes(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Height, width and depth of every cut."""
        rows, columns, depth = (np.array([b - a for a, b in cut]) for cut in (self.rows, self.columns, self.depth))
        return rows, columns, depth


def blocks_of(operation: Computation) -> Blocks:
    """The OFM blocks; StreamError without a block size, WorkLimitError when there are too many."""
    block = operation.schedule.ofm_block
    if block is None:
        raise StreamError(f"{operation.opcode}: the stream sets no OFM block", operation.address)
    steps = [len(range(0, side, step)) for side, step in zip(operation.shape, block, strict=True)]
    if np.prod(steps, dtype=object) > MAX_CHUNKS:
        raise WorkLimitError(f"{np.prod(steps, dtype=object)} OFM blocks: expected at most {MAX_CHUNKS}", operation.address)
    cuts = [
        tuple((start, min(start + step, side)) for start in range(0, side, step))
        for side, step in zip(operation.shape, block, strict=True)
    ]
    return Blocks(*cuts)
