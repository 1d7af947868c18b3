"""`ethos-bench check`: thresholds on what a compilation says by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from harness.cli import main
from tests.benchmarks import kinds, tiny
from tests.checkout import CHECKOUT


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments), "--npu", "ethos-u55-128"])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.tflite"
    path.write_bytes(tiny.detector())
    return path


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.tflite"
    path.write_bytes(tiny.cpu_operator())
    return path


def test_a_file_that_meets_every_threshold_is_good(good: Path) -> None:
    result = check(good)
    assert result.exit_code == 0, result.output
    assert f"met     {good} on ethos-u55-128: fits == true: true (compiled)" in result.output


def test_one_file_that_misses_one_threshold_is_a_negative_answer(good: Path, mixed: Path) -> None:
    result = check(good, mixed, "--require", "npu_cpu_crossings == 0")
    assert result.exit_code == 1
    assert f"met     {good}" in result.output
    assert f"MISSED  {mixed} on ethos-u55-128: npu_cpu_crossings == 0" in result.output


def test_how_a_file_was_compiled_round_a_defect_of_vela_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bytes.tflite"
    path.write_bytes(kinds.uint8_output())
    result = check(path)
    assert result.exit_code == 0, result.output
    assert f"finding {path} on ethos-u55-128: compiled with --ignore-ops QUANTIZE" in result.output


def test_what_needs_a_run_is_refused_by_name(good: Path) -> None:
    result = check(good, "--require", "latency_us[p95] <= 100")
    assert result.exit_code == 2
    assert "needs a run" in result.output
    assert "ethos-bench run --acceptance" in result.output


def test_the_hook_of_pre_commit_calls_it_for_files_that_vela_has_not_compiled() -> None:
    (hook,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "ethos-bench check"
    assert hook["entry"].split()[1] in main.list_commands(None)  # type: ignore[arg-type]
