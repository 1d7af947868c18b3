"""`ethos-bench estimate`: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from tests.benchmarks import tiny
from tests.ethosu_simulator.timing.streams import golden


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["estimate", *(str(argument) for argument in arguments)])


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    return golden("conv-INT8-u65-256-0-4", tmp_path)


def test_json_has_cycles_interval_beats_memory_and_validation_at_its_top(compiled: Path) -> None:
    result = command(compiled, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert {"active_cycles", "low", "high", "beats", "memory", "validated"} <= document.keys()
    assert document["beats"].keys() == {"axi0_read", "axi0_write", "axi1_read"}
    assert document["memory"] == "mlek"
    assert document["low"] <= document["active_cycles"] <= document["high"]


def test_the_table_names_the_memory_where_it_comes_from_and_what_bounds_each_operation(compiled: Path) -> None:
    result = command(compiled, "--npu", "ethos-u65-256", "--memory", "mlek-off")
    assert result.exit_code == 0, result.output
    assert "memory mlek-off (--memory)" in result.output
    assert "bound by" in result.output


def test_without_memory_the_profile_s_is_taken_and_said(compiled: Path) -> None:
    assert json.loads(command(compiled, "--npu", "ethos-u65-256", "--json").stdout)["memory_from"] == "profile ethos-u65-256"


def test_an_int8_file_is_compiled_for_the_profile(tmp_path: Path) -> None:
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    result = command(tmp_path / "detector.tflite", "--npu", "ethos-u55-128", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["npu"] == "ethos-u55-128"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--npu", "ethos-u85-256"), "is compiled for ethos-u65-256"),
        (("--memory", "nowhere.toml"), "no memory `nowhere.toml`"),
    ],
)
def test_another_npu_and_an_unknown_memory_are_usage_errors(compiled: Path, arguments: tuple[str, str], complaint: str) -> None:
    result = command(compiled, *arguments)
    assert result.exit_code == 2
    assert complaint in result.output


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert command(tmp_path / "none.tflite").exit_code == 2
