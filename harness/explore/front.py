"""Which cells hold a product's limits, the cheapest NPU among them, and the cells that no other one beats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import UsageError
from core.records.unavailable import Unavailable
from harness.explore.exploration import Cell

FAMILIES = ("ethos-u55", "ethos-u65", "ethos-u85")
QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)")
TIMES = {"us": 1.0, "ms": 1e3, "s": 1e6}
"""Microseconds in a unit of time."""
SIZES = {
    "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "k": 2.0**10, "m": 2.0**20, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a product allows: microseconds an inference by our cycle model, int8 mAP50-95, bytes of SRAM and of flash."""

    latency_us: float | None = None
    map50_95: float | None = None
    sram_bytes: float | None = None
    flash_bytes: float | None = None

    def misses(self, cell: Cell) -> list[str]:
        """Why a cell cannot be taken: each limit that it misses by name, or has no figure for. None of them: it can."""
        if cell.failed:
            return ["failure"]
        held = [
            ("latency", latency_us(cell), self.latency_us, 1),
            ("mAP", map50_95(cell), self.map50_95, -1),
            ("SRAM", sram_bytes(cell), self.sram_bytes, 1),
            ("flash", flash_bytes(cell), self.flash_bytes, 1),
        ]
        missed = [
            name for name, value, limit, sign in held if limit is not None and (value is None or value * sign > limit * sign)
        ]
        return missed + ["platform's memory"] * (cell.value("fits") is False)


@dataclass(frozen=True)
class Answer:
    """The cells that hold the limits, those among them on the front, and how many cells each limit excludes."""

    meeting: tuple[Cell, ...]
    front: tuple[Cell, ...]
    excluded: dict[str, int]

    @property
    def cheapest(self) -> Cell | None:
        """The fastest meeting cell of the cheapest NPU that has one; None when no cell holds the limits."""
        return min(self.meeting, key=lambda cell: (cost(cell), _or_last(latency_us(cell))), default=None)


def answer(cells: Sequence[Cell], limits: Limits) -> Answer:
    """Which of the cells hold the limits, and which of those no other one beats."""
    missed = [limits.misses(cell) for cell in cells]
    meeting = tuple(cell for cell, why in zip(cells, missed, strict=True) if not why)
    return Answer(meeting, pareto(meeting), dict(Counter(name for why in missed for name in why).most_common()))


def cost(cell: Cell) -> tuple[int, int]:
    """How dear an NPU is: its MACs per cycle, then its family, the older the cheaper. Area and licence follow both."""
    family, _, macs = cell.identity.get("accelerator", "").rpartition("-")
    return (int(macs), FAMILIES.index(family)) if family in FAMILIES and macs.isdigit() else (1 << 30, len(FAMILIES))


def pareto(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells that no other one beats: none is as good in NPU, latency, mAP, SRAM and flash, and better in one.

    A figure that a cell does not have counts as the worst. Two models whose mAP is not known do other things, perhaps: they do
    not beat each other.
    """
    candidates = [_Candidate(cell.key.model, map50_95(cell) is not None, _goals(cell)) for cell in cells]
    return tuple(cell for cell, own in zip(cells, candidates, strict=True) if not any(one.beats(own) for one in candidates))


@dataclass(frozen=True)
class _Candidate:
    """A cell as it is compared; `goals` are figures that should be small."""

    model: str
    judged: bool
    goals: tuple[float, ...]

    def beats(self, other: _Candidate) -> bool:
        """Whether this one is as good in everything, and better in something."""
        if self.model != other.model and not (self.judged and other.judged):
            return False
        return self.goals != other.goals and all(one <= two for one, two in zip(self.goals, other.goals, strict=True))


def _goals(cell: Cell) -> tuple[float, ...]:
    """Everything that should be small."""
    macs, family = cost(cell)
    quality = map50_95(cell)
    figures = (latency_us(cell), None if quality is None else -quality, sram_bytes(cell), flash_bytes(cell))
    return (macs * len(FAMILIES) + family, *map(_or_last, figures))


def _or_last(value: float | None) -> float:
    return float("inf") if value is None else value


def latency_us(cell: Cell) -> float | None:
    """Our estimate of one inference in microseconds; None when a part of it is on the CPU, which nobody counts."""
    return cell.number("estimated_us", "open")


def latency_interval(cell: Cell) -> tuple[float, float] | None:
    """The interval that our estimate is sure of."""
    low, high = (cell.number("estimated_us", stat) for stat in ("open_low", "open_high"))
    return None if low is None or high is None else (low, high)


def map50_95(cell: Cell) -> float | None:
    """What the int8 model reaches on the data, on a computer or, where none runs it, on its NPU; None where nobody asked."""
    here = cell.number("map50_95", graph="int8")
    return cell.number("map50_95", graph="npu") if here is None else here


def sram_bytes(cell: Cell) -> float | None:
    """What the cell needs of the SRAM; 0 where its profile puts nothing there."""
    found = cell.value("memory_bytes", "sram")
    return (0.0 if cell.figures else None) if isinstance(found, Unavailable) else cell.number("memory_bytes", "sram")


def flash_bytes(cell: Cell) -> float | None:
    """The size of the compiled file."""
    return cell.number("flash_bytes")


def microseconds(text: str, option: str) -> float | None:
    """A time as it was typed (`33ms`, `33`: milliseconds) in microseconds; None for no text."""
    return _quantity(text, option, TIMES, "ms", "33ms or 500us")


def size_bytes(text: str, option: str) -> float | None:
    """A size as it was typed (`2MiB`, `512K`, `2000000`) in bytes; `K` and `M` are powers of 2. None for no text."""
    return _quantity(text, option, SIZES, "b", "2MiB, 512KiB or 2000000")


def share(text: str, option: str) -> float | None:
    """A share as it was typed, 0 to 1; None for no text."""
    if not text:
        return None
    found = QUANTITY.fullmatch(text.strip())
    if not found or found[2] or float(found[1]) > 1:
        raise UsageError(f"{option} {text}: no share", "0 to 1", f"{option} 0.7")
    return float(found[1])


def _quantity(text: str, option: str, units: dict[str, float], default: str, example: str) -> float | None:
    if not text:
        return None
    found = QUANTITY.fullmatch(text.strip())
    unit = found and units.get((found[2] or default).lower())
    if not found or not unit or not float(found[1]):
        raise UsageError(f"{option} {text}: not a quantity", example, f"{option} {example.split(',')[0].split()[0]}")
    return float(found[1]) * unit
