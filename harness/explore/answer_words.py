"""The answer of an exploration in words: one text for the terminal's first line and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from harness.explore import front
from harness.explore.exploration import Cell, CellKey

KIB, MIB = float(2**10), float(2**20)


def row_names(cells: Sequence[Cell]) -> dict[CellKey, str]:
    """What stands in front of each cell's row of NPUs: its model, with the Vela and the memory where several were asked for."""
    velas, memories = ({getattr(cell.key, field) for cell in cells} for field in ("vela", "memory"))

    def name(key: CellKey) -> str:
        vela = f"Vela {key.vela}" if len(velas) > 1 and key.vela else ""
        return ", ".join(part for part in (key.row, vela, key.memory if len(memories) > 1 else "") if part)

    return {cell.key: name(cell.key) for cell in cells}


def told(cell: Cell, row: str) -> str:
    """A cell's row with its time, its mAP where there is one, and its memory."""
    latency, interval, quality = front.latency_us(cell), front.latency_interval(cell), front.map50_95(cell)
    within = f" ({interval[0] / 1e3:.2f} to {interval[1] / 1e3:.2f})" if interval else ""
    time_said = "no time of the whole model" if latency is None else f"{latency / 1e3:.2f} ms{within} by our cycle model"
    memory = [f"{_size(value)} of {name}" for name, value in memories(cell) if value is not None]
    return ", ".join([row, time_said, *([f"mAP50-95 {quality:.3f}"] if quality is not None else []), *memory])


def _size(value: float) -> str:
    return f"{value / MIB:.2f} MiB" if not 0 < value < MIB / 10 else f"{value / KIB:.2f} KiB"


def memories(cell: Cell) -> tuple[tuple[str, float | None], ...]:
    """The memories that a limit can be on, each with the bytes that the cell takes of it."""
    return ("SRAM", front.sram_bytes(cell)), ("flash", front.flash_bytes(cell))


def no_answer(count: int, excluded: dict[str, int]) -> str:
    """What is said when none of `count` cells holds the limits: how many each of them excludes."""
    each = ", ".join(f"{name} excludes {number}" for name, number in excluded.items())
    return f"no cell of {count} holds the limits: {each}"


def first_line(cells: Sequence[Cell], answer: front.Answer) -> str:
    """The cheapest NPU that holds the limits with the cell that it does so with, or what excludes all cells."""
    cheapest = answer.cheapest
    if not cheapest:
        return no_answer(len(cells), answer.excluded)
    return f"cheapest NPU: {cheapest.key.npu}, with {told(cheapest, row_names(cells)[cheapest.key])}"
