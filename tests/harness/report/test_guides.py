"""What guides tell people to copy works: workflows hold by GitHub's schema, scripts by their shell, options and files exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main
from tests.checkout import CHECKOUT

GUIDE = CHECKOUT / "docs" / "guides" / "ci.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    found = [text for kind, text in BLOCK.findall(GUIDE.read_text()) if kind == language]
    assert found
    return found


def workflow_problems(text: str, folder: Path) -> str:
    """What GitHub's own schema says against a workflow, "" for nothing."""
    pytest.importorskip("check_jsonschema")
    path = folder / "workflow.yml"
    path.write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_every_workflow_holds_by_githubs_schema(tmp_path: Path) -> None:
    workflows = [text for text in blocks("yaml") if "jobs:" in text]
    assert len(workflows) == 2
    for text in workflows:
        assert workflow_problems(text, tmp_path) == ""


def test_a_broken_workflow_is_seen(tmp_path: Path) -> None:
    assert "runs-on" in workflow_problems(blocks("yaml")[0].replace("runs-on:", "run-on:"), tmp_path)


def test_every_script_is_a_script(tmp_path: Path) -> None:
    for text in blocks("bash"):
        path = tmp_path / "script.sh"
        path.write_text(text)
        subprocess.run(["bash", "-n", str(path)], check=True)


def test_every_command_and_option_of_the_guide_exists() -> None:
    text = GUIDE.read_text().replace("\\\n", " ")
    used = re.findall(r"ethos-bench (check|export|recommend|report)\b([^\n>`|]*)", text)
    assert used
    for name, rest in used:
        shown = CliRunner().invoke(main, [name, "--help"]).output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in shown, f"{name} {option}"
    options = (GUIDE.parents[1] / "reference" / "options.md").read_text()
    for line in re.findall(r"ethos-bench run([^\n]*)", text):
        for option in re.findall(r"--[a-z-]+", line):
            assert f"`{option}" in options or option == "--junitxml", option
