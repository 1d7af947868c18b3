"""NPU_OP_DMA_START: bytes from one place to another, into the table memory too.

One dimension everywhere, two and three on U65 and U85, rows chosen by an index (gather, scatter) on U85.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.errors import MemoryFault, NotModelled, StreamError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ethosu_simulator.memory import Memory
    from ethosu_simulator.register_file import RegisterFile

MAX_ROWS = 1 << 20


def dma(
    registers: RegisterFile, memory: Memory, tables: NDArray[np.uint8], tables_at: int, spend: Callable[[int], None]
) -> int:
    """Does the transfer that the registers describe; the number of bytes moved; `spend` is told it before."""
    if registers.choice("DMA0_SRC_REGION", "region_mode") != "EXTERNAL":
        raise NotModelled("NPU_OP_DMA_START", "a source inside the NPU")
    length = registers.number("DMA0_LEN")
    rows = _rows(registers, memory, length)
    spend(length * len(rows) + len(rows))
    internal = registers.choice("DMA0_DST_REGION", "region_mode") == "INTERNAL"
    source, target = registers.number("DMA0_SRC_REGION"), registers.number("DMA0_DST_REGION")
    for source_offset, target_offset in rows:
        data = memory.bytes(source, registers.number("DMA0_SRC") + source_offset, length).copy()
        at = registers.number("DMA0_DST") + target_offset
        if internal:
            if not 0 <= at - tables_at <= len(tables) - length:
                raise MemoryFault(f"DMA of {length} bytes to 0x{at:x} inside the NPU: only the table memory is modelled")
            tables[at - tables_at : at - tables_at + length] = data
        else:
            memory.store(target, at, data)
    return length * len(rows)


def _rows(registers: RegisterFile, memory: Memory, length: int) -> list[tuple[int, int]]:
    """(source offset, destination offset) of every row."""
    u85 = registers.config.product == "u85"
    mode = registers.choice("DMA0_SRC_REGION" if u85 else "DMA0_DST_REGION", "stride_mode")
    if u85 and _indexed(registers):
        return _indexed_rows(registers, memory, mode)
    if mode == "D1":
        return [(0, 0)]
    size0, size1 = _sizes(registers, mode)
    if u85:
        steps = [_stride(registers, f"{side}_STRIDE", mode) for side in ("SRC", "DST")]
    else:
        step = length + registers.number("DMA0_SKIP0")
        skip1 = registers.number("DMA0_SKIP1") if mode == "D3" else 0
        steps = [(length, length * size0), (step, length * size0 + skip1)]
    (source0, source1), (target0, target1) = steps
    return [(i * source1 + j * source0, i * target1 + j * target0) for i in range(size1) for j in range(size0)]


def _sizes(registers: RegisterFile, mode: str) -> tuple[int, int]:
    """How many rows, and how many groups of them."""
    size0 = registers.number("DMA0_SIZE0") if mode != "D1" else 1
    size1 = registers.number("DMA0_SIZE1") if mode == "D3" else 1
    if size0 * size1 > MAX_ROWS:
        raise MemoryFault(f"a DMA of {size0} x {size1} rows: expected at most {MAX_ROWS}")
    return size0, size1


def _stride(registers: RegisterFile, name: str, mode: str) -> tuple[int, int]:
    return registers.number(f"DMA0_{name}0"), registers.number(f"DMA0_{name}1") if mode == "D3" else 0


def _indexed(registers: RegisterFile) -> list[str]:
    """The sides, `SRC` (gather) or `DST` (scatter), whose rows are chosen by an index."""
    return [side for side in ("SRC", "DST") if registers.choice(f"DMA0_{side}_REGION", "idx_mode") == "ENABLED"]


def _indexed_rows(registers: RegisterFile, memory: Memory, mode: str) -> list[tuple[int, int]]:
    """Rows for int32 indices that follow each other, IDX_SKIP1 bytes between groups (`GenerateHLCDMACommands` in Vela).

    The indexed side lies at STRIDE0 times the index instead of STRIDE0 times the row; groups of rows step by STRIDE1 on both.
    """
    sides = _indexed(registers)
    if len(sides) != 1:
        raise StreamError("DMA with an index on both sides: expected one")
    size0, size1 = _sizes(registers, mode)
    skip = registers.number("DMA0_IDX_SKIP1") if mode == "D3" else 0
    data = memory.bytes(registers.number("DMA0_IDX_REGION"), registers.number("DMA0_IDX"), size1 * (4 * size0 + skip) - skip)
    starts = (np.arange(size1)[:, None] * (4 * size0 + skip) + np.arange(size0) * 4).reshape(-1)
    indices = (data[starts[:, None] + np.arange(4)].astype(np.int64) << np.arange(0, 32, 8)).sum(axis=1)
    if len(indices) and int(indices.max()) > registers.number("DMA0_IDX_MAX"):
        raise MemoryFault(f"DMA index {int(indices.max())}: expected at most {registers.number('DMA0_IDX_MAX')}")
    (source0, source1), (target0, target1) = (_plain_steps(registers, side, mode) for side in ("SRC", "DST"))
    chosen = indices.reshape(size1, size0) * registers.number(f"DMA0_{sides[0]}_STRIDE0")
    straight = np.arange(size0)[None] * (target0 if sides == ["SRC"] else source0) + np.zeros_like(chosen)
    sources, targets = (chosen, straight) if sides == ["SRC"] else (straight, chosen)
    groups = np.arange(size1)[:, None]
    pairs = np.stack([(sources + groups * source1).reshape(-1), (targets + groups * target1).reshape(-1)], axis=1)
    return [(int(source), int(target)) for source, target in pairs]


def _plain_steps(registers: RegisterFile, side: str, mode: str) -> tuple[int, int]:
    return (0, 0) if mode == "D1" else _stride(registers, f"{side}_STRIDE", mode)
