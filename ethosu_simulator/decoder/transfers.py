"""NPU_OP_DMA_START out of the registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ethosu_simulator.errors import MemoryFault, NotModelled, StreamError
from ethosu_simulator.operands import DmaEnd, DmaIndex

if TYPE_CHECKING:
    from ethosu_simulator.decoder.dialects import Dialect
    from ethosu_simulator.decoder.register_file import RegisterFile

MAX_ROWS = 1 << 20


def transfer(registers: RegisterFile, dialect: Dialect) -> dict[str, object]:
    """The fields of a Dma."""
    if registers.choice("DMA0_SRC_REGION", "region_mode") != "EXTERNAL":
        raise NotModelled("NPU_OP_DMA_START", "a source inside the NPU")
    length = registers.number("DMA0_LEN")
    mode = registers.choice(f"DMA0_{dialect.stride_mode_side}_REGION", "stride_mode")
    index = _index(registers, dialect.indexed_sides(registers), mode)
    counts = _counts(registers, mode)
    source, target = ((0, 0), (0, 0)) if mode == "D1" else dialect.dma_steps(registers, mode, length)
    if index is not None and mode == "D1":  # one row, chosen by its number
        step = registers.number(f"DMA0_{index.side}_STRIDE0")
        source, target = ((step, 0), target) if index.side == "SRC" else (source, (step, 0))
    return {
        "source": DmaEnd(registers.number("DMA0_SRC_REGION"), registers.number("DMA0_SRC"), *source),
        "target": DmaEnd(_target_region(registers), registers.number("DMA0_DST"), *target),
        "length": length,
        "counts": counts,
        "index": index,
        "stride_mode": mode,
    }


def _target_region(registers: RegisterFile) -> int | None:
    internal = registers.choice("DMA0_DST_REGION", "region_mode") == "INTERNAL"
    return None if internal else registers.number("DMA0_DST_REGION")


def _counts(registers: RegisterFile, mode: str) -> tuple[int, int]:
    """How many rows a group has, and how many groups there are."""
    size0 = registers.number("DMA0_SIZE0") if mode != "D1" else 1
    size1 = registers.number("DMA0_SIZE1") if mode == "D3" else 1
    if size0 * size1 > MAX_ROWS:
        raise MemoryFault(f"a DMA of {size0} x {size1} rows: expected at most {MAX_ROWS}")
    return size0, size1


def _index(registers: RegisterFile, sides: list[str], mode: str) -> DmaIndex | None:
    if len(sides) > 1:
        raise StreamError("DMA with an index on both sides: expected one")
    if not sides:
        return None
    return DmaIndex(
        side=sides[0],
        region=registers.number("DMA0_IDX_REGION"),
        start=registers.number("DMA0_IDX"),
        skip=registers.number("DMA0_IDX_SKIP1") if mode == "D3" else 0,
        most=registers.number("DMA0_IDX_MAX"),
    )
