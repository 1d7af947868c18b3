"""`ethos-bench init`: files to begin with, which hold by the readers of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.acceptance.thresholds import read_acceptance
from harness.cli import main
from harness.cli.init import FILES


def init(folder: Path) -> Result:
    return CliRunner().invoke(main, ["init", str(folder)])


def test_every_file_is_written_once_and_never_over_another(tmp_path: Path) -> None:
    (tmp_path / "acceptance.toml").write_text("mine")
    result = init(tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "acceptance.toml").read_text() == "mine"
    assert all((tmp_path / place).is_file() for place in FILES.values())
    assert f"kept     {tmp_path / 'acceptance.toml'}" in result.output
    again = init(tmp_path)
    assert again.output.count("kept     ") == len(FILES)


def test_the_acceptance_file_has_thresholds_that_are_some(tmp_path: Path) -> None:
    init(tmp_path)
    found = read_acceptance(tmp_path / "acceptance.toml", ["best"], ["ethos-u65-256"], ["sim"])
    assert [threshold.metric for threshold in found] == ["fits", "npu_mac_share", "bit_exact"]


def test_the_lines_that_are_commented_out_are_thresholds_too(tmp_path: Path) -> None:
    init(tmp_path)
    path = tmp_path / "acceptance.toml"
    path.write_text(path.read_text().replace('  # "', '  "'))
    assert len(read_acceptance(path, ["best"], ["ethos-u65-256"], ["sim"])) == 6


def test_the_workflow_holds_by_githubs_schema(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema")
    init(tmp_path)
    path = tmp_path / FILES["npu.yml"]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert init(tmp_path / "gone").exit_code == 2
