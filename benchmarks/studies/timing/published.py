"""The published counts (../shared/reference/timing/truth.csv) and what the model makes of each."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError
from ethosu_simulator.timing import Estimate, Memory, estimate, memory_for, timeline, work

CHECKOUT = Path(__file__).parents[3]
COUNTERS = {"AXI0_RD_beats": "axi0_read", "AXI0_WR_beats": "axi0_write", "AXI1_RD_beats": "axi1_read"}
TOTAL_CONSTANT = {"U55": 50, "U65": 68, "U85": 68}
"""What TOTAL has on top of a multiple of 1,000: seen in every published TOTAL of networks without a table in constants."""
QUANTUM = 1000
"""What TOTAL and the cycles of units are quantised to."""
UNIT = re.compile(r"unit (\d+) \((\d+) kernels\)")
SRAM_PERIOD = 4000
"""Cycles of the SRAM adapter's period: PULSE_ON 3999 + PULSE_OFF 1; the sweep's ends (0 and 4000) bracket one word a cycle."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One published figure."""

    stream: str
    model: str
    npu: str
    macs: int
    platform: str
    metric: str
    value: int

    @property
    def name(self) -> str:
        """The NPU as Vela names it."""
        return f"ethos-{self.npu.lower()}-{self.macs}"

    @property
    def kind(self) -> str:
        """`beats`, `cycles` (ACTIVE), `layer` (ACTIVE of one layer), `sweep`, `unit` or `total`."""
        if self.metric in COUNTERS:
            return "beats"
        if "sweep" in self.platform:
            return "sweep"
        if self.metric.startswith("unit"):
            return "unit"
        if "ACTIVE" not in self.metric:
            return "total"
        return "layer" if self.model.startswith("H3R") else "cycles"

    @property
    def unit(self) -> tuple[int, int]:
        """(number, computations) of a unit: a part of a network whose stream has an interrupt after each."""
        match = UNIT.match(self.metric)
        assert match
        return int(match[1]), int(match[2])

    @property
    def published(self) -> int:
        """The value, of a TOTAL without its constant, of a unit without what it has on top of a multiple of 1,000."""
        if self.kind == "unit":
            return self.value - self.value % QUANTUM
        return self.value - TOTAL_CONSTANT[self.npu] if self.kind in ("sweep", "total") else self.value

    @property
    def memory(self) -> Memory:
        """The memory of the platform; of a sweep, with what it changed."""
        name = "mlek-off" if "OFF" in self.platform else "mlek"
        memory = memory_for(name, f"ethos-{self.npu.lower()}", self.macs)
        if self.kind != "sweep":
            return memory
        value = int(self.platform.split()[-1])
        if "BWCAP" in self.platform:
            return memory.changed("sram", cap_words=value, cap_cycles=SRAM_PERIOD if value else 0)
        return memory.changed("dram", read_latency=value)


@dataclass(frozen=True)
class Compared:
    """A cell, and the model's figure for it with its interval (beats have none)."""

    cell: Cell
    predicted: int
    low: int
    high: int

    @property
    def error(self) -> float:
        """How far the model is above the published figure."""
        return self.predicted / self.cell.published - 1


def folder() -> Path:
    """The folder of the published counts; UsageError where it is not."""
    found = Path(os.environ.get("ETHOS_BENCH_TEST_DATA") or CHECKOUT.parent / "shared") / "reference" / "timing"
    if not (found / "truth.csv").is_file():
        raise UsageError(f"no published counts: `{found / 'truth.csv'}` does not exist", "../shared, or ETHOS_BENCH_TEST_DATA")
    return found


def cells() -> list[Cell]:
    """Every published figure."""
    with (folder() / "truth.csv").open(encoding="utf-8", newline="") as lines:
        return [_cell(row) for row in csv.DictReader(lines)]


def _cell(row: Mapping[str, str]) -> Cell:
    return Cell(
        stream=row["stream"],
        model=row["model"],
        npu=row["npu"],
        macs=int(row["macs"]),
        platform=row["platform"],
        metric=row["metric"],
        value=int(row["value"]),
    )


def compared(cell: Cell) -> Compared:
    """The model's figure for a cell."""
    found = estimate(folder() / "streams" / cell.stream, cell.memory)
    if cell.kind == "beats":
        beats = found.beats[COUNTERS[cell.metric]]
        return Compared(cell, beats, beats, beats)
    if cell.kind == "unit":
        cycles = round(_unit(cell, found))
        return Compared(cell, cycles, cycles, cycles)
    return Compared(cell, found.active_cycles, found.low, found.high)


def _unit(cell: Cell, found: Estimate) -> float:
    """The cycles of a unit's computations within the network as it is, where nothing stops after them."""
    number, _ = cell.unit
    before = sum(other.unit[1] for other in cells() if _same_units(other, cell) and other.unit[0] < number)
    computations = [one.cycles for one in found.operations if one.bound != "transfer"]
    return sum(computations[before : before + cell.unit[1]])


def _same_units(other: Cell, cell: Cell) -> bool:
    return other.kind == "unit" and (other.stream, other.platform) == (cell.stream, cell.platform)


CONSTANTS = {
    "OUTPUT_CYCLES": (timeline, "cycles", "from a block's last accumulation to the write of its first output"),
    "CHUNK_CYCLES": (timeline, "cycles", "between input chunks, and before one that was loaded is used"),
    "WEIGHT_STEP_CYCLES": (work, "cycles", "to change weights, for each micro-block in depth and kernel step"),
    "COMMAND_FETCHES": (timeline, "read latencies", "of the memory with the stream, before its first command"),
}
"""The measured constants: where they are read, their unit and meaning."""


@contextmanager
def constant(name: str, value: float) -> Iterator[None]:
    """The model with another value of a measured constant."""
    from ethosu_simulator.timing.estimate import _prepare  # what was made ready holds the old value

    module = CONSTANTS[name][0]
    before = getattr(module, name)
    try:
        setattr(module, name, value)
        _prepare.cache_clear()
        yield
    finally:
        setattr(module, name, before)
        _prepare.cache_clear()
