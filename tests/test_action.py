"""action.yml: its steps, taken from the file and executed as GitHub does, in a repository of somebody else's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benchmarks import tiny
from tests.checkout import CHECKOUT

ACTION: dict[str, Any] = yaml.safe_load((CHECKOUT / "action.yml").read_text())
STAND_IN_PIP = """#!/bin/sh
# What the action installs is this checkout, which is installed beside this Python already: pip has nothing to do here.
case "$*" in *"pip install"*) echo "$*" >> "$PIP_LOG"; exit 0;; esac
exec "$REAL_PYTHON" "$@"
"""


def filled(text: str, values: dict[str, str]) -> str:
    """GitHub's `${{ name }}`, filled in; a name that it would not know fails."""
    return re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: values[found[1]], text)


class Job:
    """A job of a workflow that uses the action, in a repository with a model; its environment is the one of these tests."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.folder, self.summary, self.log = folder, folder / "summary", folder / "pip.log"
        place = folder / "tmp" / "ethos-bench" / "bin"
        place.mkdir(parents=True)
        (place / "python").write_text(STAND_IN_PIP)
        (place / "python").chmod(0o755)
        (place / "ethos-bench").symlink_to(Path(sys.executable).parent / "ethos-bench")
        given = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | inputs
        self.values = {f"inputs.{name}": value for name, value in given.items()}
        self.values |= {"github.action_path": str(CHECKOUT), "runner.temp": str(folder / "tmp")}

    def run(self) -> list[int]:
        """The exit code of every step that is a script, as far as GitHub would go."""
        codes: list[int] = []
        for step in ACTION["runs"]["steps"]:
            if "run" not in step or (any(codes) and not str(step.get("if", "")).startswith("always()")):
                continue
            own = {name: filled(text, self.values) for name, text in step["env"].items()}
            runner = {"GITHUB_STEP_SUMMARY": str(self.summary), "PIP_LOG": str(self.log), "REAL_PYTHON": sys.executable}
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ETHOS_BENCH_"))}
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(command, cwd=self.folder, env={**kept, **own, **runner}, check=False, timeout=400)
            codes.append(done.returncode)
        return codes


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "my model.tflite").write_bytes(tiny.detector())
    (tmp_path / "acceptance.toml").write_text('[[accept]]\nrequire = ["npu_mac_share >= 0.99"]\n')
    return tmp_path


ARGUMENTS = '--model "my model.tflite" --target host --repeats 2 --npu himax-we2 --no-report'


@pytest.mark.session
def test_the_steps_run_the_suite_and_leave_results_and_a_summary(repository: Path) -> None:
    job = Job(repository, arguments=ARGUMENTS, acceptance="acceptance.toml", extras="convert")
    assert job.run() == [0, 0, 0]
    assert job.log.read_text().strip().endswith(f"{CHECKOUT}[convert]")
    assert (repository / "ethos-bench-results" / "results.json").is_file()
    assert "my model" in job.summary.read_text()


@pytest.mark.session
def test_a_threshold_that_is_missed_fails_the_job_and_the_summary_is_written_all_the_same(repository: Path) -> None:
    (repository / "acceptance.toml").write_text('[[accept]]\nrequire = ["arena_bytes <= 1"]\n')
    job = Job(repository, arguments=ARGUMENTS, acceptance="acceptance.toml")
    assert job.run() == [0, 1, 0]
    assert "my model" in job.summary.read_text()


@pytest.mark.session
def test_arguments_are_split_as_a_shell_does_and_nothing_in_them_is_executed(repository: Path) -> None:
    job = Job(repository, arguments="--model '$(touch executed).tflite'")
    assert job.run()[1] == 4
    assert not (repository / "executed").exists()


def test_results_are_uploaded_whatever_became_of_the_run() -> None:
    (upload,) = [step for step in ACTION["runs"]["steps"] if "uses" in step]
    assert upload["if"].startswith("always()")
    assert upload["with"]["path"] == "${{ inputs.results }}"
