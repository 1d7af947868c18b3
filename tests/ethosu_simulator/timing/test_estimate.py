"""Estimates: what they promise of themselves, on small files that Vela compiled.

Covers ethosu_simulator.timing.blocks, ethosu_simulator.timing.compute, ethosu_simulator.timing.constants,
ethosu_simulator.timing.coverage, ethosu_simulator.timing.likeness, ethosu_simulator.timing.places,
ethosu_simulator.timing.ports, ethosu_simulator.timing.schedule, ethosu_simulator.timing.timeline,
ethosu_simulator.timing.traffic, ethosu_simulator.timing.work.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ethosu_simulator import StreamError
from ethosu_simulator.timing import Estimate, Memory, estimate, memory_for
from tests.ethosu_simulator.timing.streams import CASES, golden

FROZEN = Path(__file__).parent / "frozen.json"


def memory_of(found: Estimate) -> Memory:
    product, _, macs = found.npu.rpartition("-")
    return memory_for("mlek", product, int(macs))


def frozen(found: Estimate) -> dict[str, object]:
    return {"active_cycles": found.active_cycles, "beats": found.beats}


@pytest.mark.parametrize("case", CASES)
def test_beats_are_today_s_and_cycles_within_a_thousandth(case: str, tmp_path: Path) -> None:
    found, kept = estimate(golden(case, tmp_path)), json.loads(FROZEN.read_text())[case]
    assert found.beats == kept["beats"]
    assert found.active_cycles == pytest.approx(kept["active_cycles"], rel=0.001)


@pytest.mark.parametrize("case", CASES)
def test_the_interval_holds_the_estimate(case: str, tmp_path: Path) -> None:
    found = estimate(golden(case, tmp_path))
    assert 0 < found.low <= found.active_cycles <= found.high


@pytest.mark.parametrize("case", CASES)
def test_more_bandwidth_or_less_latency_is_never_slower(case: str, tmp_path: Path) -> None:
    path = golden(case, tmp_path)
    now = estimate(path)
    for area in memory_of(now).areas:
        better: list[dict[str, float]] = [
            {"words_per_cycle": 2 * area.words_per_cycle},
            {"read_latency": area.read_latency // 2},
            {"write_latency": area.write_latency // 2},
            {"read_outstanding": 0},
            {"write_outstanding": 0},
            {"cap_words": 0},
        ]
        for change in better:
            assert estimate(path, memory_of(now).changed(area.name, **change)).active_cycles <= now.active_cycles, change


@pytest.mark.parametrize("case", CASES)
def test_no_unit_is_busy_longer_than_the_whole_takes(case: str, tmp_path: Path) -> None:
    found = estimate(golden(case, tmp_path))
    for unit in ("mac", "output", "elementwise"):
        assert sum(one.units[unit] for one in found.operations) <= found.active_cycles
    assert sum(one.cycles for one in found.operations) <= found.active_cycles + 1


def test_beats_do_not_depend_on_the_memory(tmp_path: Path) -> None:
    path = golden("conv-INT8-u65-256-0-4", tmp_path)
    assert estimate(path, "mlek").beats == estimate(path, "mlek-off").beats


def test_a_file_changed_under_the_same_name_is_estimated_anew(tmp_path: Path) -> None:
    path = golden("conv-INT8-u65-256-0-4", tmp_path)
    first = estimate(path)
    path.write_bytes(golden("chain4-INT16-u65-256-2-4", tmp_path).read_bytes())
    assert estimate(path) != first


def test_sixteen_bits_and_sizes_without_counts_are_not_validated(tmp_path: Path) -> None:
    wide = estimate(golden("chain4-INT16-u65-256-2-4", tmp_path))
    large = estimate(golden("add-INT8-u85-1024-0-4", tmp_path))
    assert (wide.validated, large.validated) == (False, False)
    assert "16-bit" in wide.why_not
    assert "ethos-u85-1024" in large.why_not


def test_a_stream_without_its_end_is_refused(tmp_path: Path) -> None:
    path = golden("conv-INT8-u55-32-0-4", tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"COP1")
    words = memoryview(data)[at:].cast("B")
    stop = bytes(words).index((0xFFFF0000).to_bytes(4, "little"))
    data[at + stop : at + stop + 4] = (0x00120000 | 0x0013).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(StreamError):
        estimate(path)
