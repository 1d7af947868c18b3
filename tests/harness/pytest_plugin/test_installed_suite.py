"""`ethos-bench run`: the suite in any folder, whatever lies there.

Covers harness.cli.run, harness.pytest_plugin.inputs, harness.pytest_plugin.installed_suite.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.option_fields import options_of
from harness.cli import main
from harness.pytest_plugin.installed_suite import FOREIGN, run_suite, typed
from harness.pytest_plugin.options import SuiteOptions
from tests.benchmarks import tiny
from tests.harness.schema import read_results

HOSTILE = "raise SystemExit('code of the user was imported')\n"


def ethos_bench(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ETHOS_BENCH_"))}
    command = [str(Path(sys.executable).parent / "ethos-bench"), *arguments]
    settings = {**kept, "ETHOS_BENCH_CACHE": str(folder / "cache"), **environment}
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.session
def test_nothing_in_the_users_folder_disturbs_the_suite(tmp_path: Path) -> None:
    for name in ("benchmarks", "core", "harness"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(HOSTILE)
    for name in ("conftest.py", "benchmarks/conftest.py", "benchmarks/test_identity.py", "benchmarks/test_offload.py"):
        (tmp_path / name).write_text(HOSTILE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "pyproject.toml").write_text("this is no TOML")
    (tmp_path / "tiny.tflite").write_bytes(tiny.detector())
    given = ("--model", "tiny.tflite", "--target", "host", "--repeats", "2", "--no-report", "--results", "out")
    done = ethos_bench(tmp_path, "run", *given, PYTEST_ADDOPTS="--no-such-option", PYTEST_PLUGINS="no_such_plugin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_results(tmp_path / "out")["run"]["command"] == " ".join(["ethos-bench run", *given])
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & {".pytest_cache", ".benchmarks", "__pycache__"}


@pytest.mark.session
def test_exit_codes_are_the_suites(tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(tiny.detector())
    usage = ethos_bench(tmp_path, "run", "--model", "gone.tflite")
    assert (usage.returncode, "--model `gone.tflite` does not exist" in usage.stderr) == (4, True)
    missing = ethos_bench(tmp_path, "run", "--model", "tiny.tflite", "--target", "ssh:nowhere")
    assert missing.returncode in (3, 4), missing.stdout + missing.stderr
    nothing = ("--no-report", "-k", "nothing", "-p", "no:cacheprovider")
    none = ethos_bench(tmp_path, "run", "--model", "tiny.tflite", "--target", "host", *nothing)
    assert none.returncode == 5, none.stdout + none.stderr


def test_help_names_every_option_of_the_suite_and_starts_no_session() -> None:
    result = CliRunner().invoke(main, ["run", "--help"])
    assert result.exit_code == 0
    assert all(one.declared.flag in result.output for one in options_of(SuiteOptions))


def test_settings_of_somebody_elses_pytest_are_back_when_the_suite_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOREIGN[0], "--no-such-option")
    assert run_suite(["--no-such-option-either"], tmp_path) == 4
    assert os.environ[FOREIGN[0]] == "--no-such-option"


def test_a_session_of_pytest_itself_is_told_as_it_was_typed(tmp_path: Path) -> None:
    assert typed(["benchmarks/", "--target", "sim"], tmp_path) == "pytest benchmarks/ --target sim"
