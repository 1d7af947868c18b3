"""NPU_OP_DMA_START: bytes from one place to another, into the table memory too.

One dimension everywhere, two and three on U65 and U85, rows chosen by an index (gather, scatter) on U85.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import MemoryFault

if TYPE_CHECKING:
    from ethosu_simulator.machine import Machine
    from ethosu_simulator.memory import Memory
    from ethosu_simulator.operands import DmaEnd, DmaIndex
    from ethosu_simulator.operations import Dma

Longs = NDArray[np.int64]


def dma(operation: Dma, machine: Machine) -> int:
    """Does the transfer; the number of bytes moved."""
    sources, targets = _offsets(operation, machine.memory)
    machine.spend(operation.length * len(sources) + len(sources))
    for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
        data = machine.memory.bytes(_region(operation.source), operation.source.address + source, operation.length).copy()
        if operation.target.region is None:
            _store_table(machine, operation.target.address + target, data)
        else:
            machine.memory.store(operation.target.region, operation.target.address + target, data)
    return operation.length * len(sources)


def _region(end: DmaEnd) -> int:
    assert end.region is not None, "the decoder refuses a source inside the NPU"
    return end.region


def _store_table(machine: Machine, address: int, data: NDArray[np.uint8]) -> None:
    at = address - machine.tables_at
    if not 0 <= at <= len(machine.tables) - len(data):
        raise MemoryFault(f"DMA of {len(data)} bytes to 0x{address:x} inside the NPU: only the table memory is modelled")
    machine.tables[at : at + len(data)] = data


def _offsets(operation: Dma, memory: Memory) -> tuple[Longs, Longs]:
    """The byte offsets of every row at the source and at the target."""
    rows, groups = operation.counts
    row, group = np.tile(np.arange(rows, dtype=np.int64), groups), np.repeat(np.arange(groups, dtype=np.int64), rows)
    chosen = {} if operation.index is None else {operation.index.side: _indices(operation.index, operation.counts, memory)}
    source, target = (
        chosen.get(side, row) * end.row_step + group * end.group_step
        for side, end in (("SRC", operation.source), ("DST", operation.target))
    )
    return source, target


def _indices(index: DmaIndex, counts: tuple[int, int], memory: Memory) -> Longs:
    """The row numbers, int32 that follow each other, `skip` bytes between groups (`GenerateHLCDMACommands` in Vela)."""
    rows, groups = counts
    pitch = 4 * rows + index.skip
    data = memory.bytes(index.region, index.start, groups * pitch - index.skip)
    starts = (np.arange(groups)[:, None] * pitch + np.arange(rows) * 4).reshape(-1)
    indices: Longs = (data[starts[:, None] + np.arange(4)].astype(np.int64) << np.arange(0, 32, 8)).sum(axis=1)
    if len(indices) and int(indices.max()) > index.most:
        raise MemoryFault(f"DMA index {int(indices.max())}: expected at most {index.most}")
    return indices
