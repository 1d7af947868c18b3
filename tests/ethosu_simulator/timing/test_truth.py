"""Estimates against the published counts of Arm's FVP: the bars that the model was built to."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.studies.timing.published import Cell
from ethosu_simulator.timing import Estimate, Memory, estimate, memory_for
from tests.ethosu_simulator.timing.streams import truth, truth_folder

COUNTERS = {"AXI0_RD_beats": "axi0_read", "AXI0_WR_beats": "axi0_write", "AXI1_RD_beats": "axi1_read"}
CONSTANTS = {"U55": 50, "U65": 68, "U85": 68}  # of TOTAL
SRAM_PERIOD = 4000  # cycles of the SRAM adapter, whose cap the sweeps change

FROZEN = Path(__file__).parent / "frozen_truth.json"

pytestmark = pytest.mark.data


def estimated(cell: Cell, memory: str | Memory = "") -> Estimate:
    return estimate(truth_folder() / "streams" / cell.stream, memory or cell.memory)


def errors(cells: Iterable[Cell]) -> list[float]:
    return [estimated(cell).active_cycles / cell.value - 1 for cell in cells]


def active(npu: str, *, layers: bool = False, least: int = 0) -> list[Cell]:
    return [
        cell
        for cell in truth()
        if cell.npu == npu and "ACTIVE" in cell.metric and ("H3R" in cell.model) == layers and cell.value >= least
    ]


def swept(cell: Cell) -> Memory:
    memory, value = memory_for("mlek", f"ethos-{cell.npu.lower()}", cell.macs), int(cell.platform.split()[-1])
    if "BWCAP" in cell.platform:
        return memory.changed("sram", cap_words=value, cap_cycles=SRAM_PERIOD if value else 0)
    return memory.changed("dram", read_latency=value)


def test_every_published_beat_of_u55_and_u65_is_exact() -> None:
    cells = [cell for cell in truth() if cell.metric in COUNTERS]
    assert len(cells) == 54
    wrong = [cell for cell in cells if estimated(cell).beats[COUNTERS[cell.metric]] != cell.value]
    assert not wrong


@pytest.mark.parametrize(
    ("npu", "layers", "least", "mean", "largest"),
    [
        ("U55", False, 0, 0.03, 0.06),
        ("U65", False, 100_000, 0.05, 0.10),
        ("U85", False, 0, 0.05, 0.12),
        ("U85", True, 0, 0.10, 0.12),
    ],
)
def test_active_cycles_keep_their_bars(npu: str, layers: bool, least: int, mean: float, largest: float) -> None:
    found = [abs(one) for one in errors(active(npu, layers=layers, least=least))]
    assert statistics.mean(found) <= mean
    assert max(found) <= largest


def test_single_layers_lie_in_their_interval_which_is_at_most_half_of_the_estimate_wide() -> None:
    cells = active("U85", layers=True)
    found = [estimated(cell) for cell in cells]
    assert all(one.low <= cell.value <= one.high for one, cell in zip(found, cells, strict=True))
    assert statistics.median((one.high - one.low) / one.active_cycles for one in found) <= 0.5


def test_sweeps_are_followed_within_a_tenth_and_in_their_order() -> None:
    cells = [cell for cell in truth() if "sweep" in cell.platform]
    series: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for cell in cells:
        published, found = cell.value - CONSTANTS[cell.npu], estimated(cell, swept(cell)).active_cycles
        assert abs(found - published) <= 0.1 * published + 1000, cell
        series.setdefault((cell.stream, cell.platform.rpartition(" ")[0]), []).append((published, found))
    for pairs in series.values():
        in_order = [found for _, found in sorted(pairs)]
        assert in_order == sorted(in_order)


def test_cycles_of_every_published_stream_are_today_s_within_a_thousandth() -> None:
    cells = {f"{cell.stream} {cell.memory.name}": cell for cell in truth() if "ACTIVE" in cell.metric}
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    assert cells.keys() == frozen.keys()
    for name, cell in cells.items():
        assert estimated(cell).active_cycles == pytest.approx(frozen[name], rel=0.001), name
