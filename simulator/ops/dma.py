"""NPU_OP_DMA_START: bytes from one place to another, into the table memory too; 1D everywhere, 2D and 3D on U65 and U85."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.errors import MemoryFault, NotModelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.memory import Memory
    from simulator.register_file import RegisterFile

MAX_ROWS = 1 << 20


def dma(registers: RegisterFile, memory: Memory, tables: NDArray[np.uint8], tables_at: int) -> int:
    """Does the transfer that the registers describe; the number of bytes moved."""
    if registers.choice("DMA0_SRC_REGION", "region_mode") != "EXTERNAL":
        raise NotModelled("NPU_OP_DMA_START", "a source inside the NPU")
    length = registers.number("DMA0_LEN")
    rows = _rows(registers, length)
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


def _rows(registers: RegisterFile, length: int) -> list[tuple[int, int]]:
    """(source offset, destination offset) of every row."""
    u85 = registers.config.product == "u85"
    for side in ("SRC", "DST"):
        if u85 and registers.choice(f"DMA0_{side}_REGION", "idx_mode") != "DISABLED":
            raise NotModelled("NPU_OP_DMA_START", "idx_mode ENABLED")
    mode = registers.choice("DMA0_SRC_REGION" if u85 else "DMA0_DST_REGION", "stride_mode")
    if mode == "D1":
        return [(0, 0)]
    size0 = registers.number("DMA0_SIZE0")
    size1 = registers.number("DMA0_SIZE1") if mode == "D3" else 1
    if size0 * size1 > MAX_ROWS:
        raise MemoryFault(f"a DMA of {size0} x {size1} rows: expected at most {MAX_ROWS}")
    if u85:
        steps = [_stride(registers, f"{side}_STRIDE", mode) for side in ("SRC", "DST")]
    else:
        step = length + registers.number("DMA0_SKIP0")
        skip1 = registers.number("DMA0_SKIP1") if mode == "D3" else 0
        steps = [(length, length * size0), (step, length * size0 + skip1)]
    (source0, source1), (target0, target1) = steps
    return [(i * source1 + j * source0, i * target1 + j * target0) for i in range(size1) for j in range(size0)]


def _stride(registers: RegisterFile, name: str, mode: str) -> tuple[int, int]:
    return registers.number(f"DMA0_{name}0"), registers.number(f"DMA0_{name}1") if mode == "D3" else 0
