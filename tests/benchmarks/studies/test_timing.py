"""The study of the cycle model: what it says without the published counts, and what an estimate states from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.studies.timing.__main__ import main
from benchmarks.studies.timing.page import stated
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
