"""The study of the cycle model: what it says without the published counts, and what an estimate states from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.studies.timing.__main__ import main
from benchmarks.studies.timing.left_out import HeldOut
from benchmarks.studies.timing.page import held_bars, stated
from benchmarks.studies.timing.published import Cell, Compared
from ethosu_simulator.timing import stated_errors


def compared(predicted: int, published: int) -> Compared:
    cell = Cell(
        stream="a_vela.tflite", model="a", npu="U65", macs=256, platform="timing adapters ON", metric="NPU_ACTIVE_cycles",
        value=published,
    )  # fmt: skip
    return Compared(cell, predicted, 0, 0)


def test_without_the_published_counts_it_says_where_they_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_TEST_DATA", str(tmp_path))
    result = CliRunner().invoke(main, ["--docs", str(tmp_path)])
    assert result.exit_code == 2
    assert "truth.csv" in result.output
    assert not list(tmp_path.rglob("*.md"))


def test_the_stated_error_is_the_mean_and_the_largest_of_its_networks() -> None:
    found = stated([compared(110, 100), compared(97, 100)])
    assert found == {"ethos-u65-256": {"mlek": {"mean": 0.065, "largest": 0.1, "networks": 2}}}


def test_every_size_with_published_counts_states_its_error() -> None:
    assert set(stated_errors()) >= {"ethos-u55-32", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512", "ethos-u85-512"}


def test_the_bars_without_a_network_are_judged_by_the_worst_of_the_constants() -> None:
    def row(constant: str, mean: float, largest: float) -> list[HeldOut]:
        groups = ("U55", "U65", "U85", "layers")
        return [HeldOut(constant=constant, group=group, mean=mean, largest=largest, worst="a net") for group in groups]

    good = held_bars([*row("A", 0.01, 0.02), *row("B", 0.02, 0.08)])
    assert [bar.met for bar in good] == [True] * 4
    bad = held_bars([*row("A", 0.01, 0.02), *row("B", 0.02, 0.1)])
    assert [bar.met for bar in bad] == [False, True, True, True], "U55 asks for 9 % at most"
    assert "10.0% (a net, by B)" in bad[0].found


def test_a_unit_is_known_by_its_number_and_its_computations_and_has_no_quantum_on_top() -> None:
    cell = Cell(
        stream="a_vela.tflite", model="a", npu="U85", macs=256, platform="TA on",
        metric="unit 12 (3 kernels) cycles, quantised to 1000 + constant", value=12055,
    )  # fmt: skip
    assert (cell.kind, cell.unit, cell.published) == ("unit", (12, 3), 12000)
