"""What every pytest of an environment loads: it leaves a session alone that is not about the suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.pytest_plugin.entry import PLUGIN, SUITE, names_the_suite

FOREIGN_CONFTEST = "def pytest_addoption(parser):\n    parser.addoption('--model')\n"
FOREIGN_TEST = f"""import sys

def test_the_option_is_theirs(request):
    assert request.config.option.model == "theirs"
    assert "{PLUGIN}" not in sys.modules
"""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--pyargs", "benchmarks"], True),
        ([str(SUITE)], True),
        ([f"{SUITE}/test_offload.py::test_offload"], True),
        (["--model", "x.tflite", str(SUITE)], True),
        (["benchmarks"], False),
        (["tests", "-k", "benchmarks"], False),
        ([], False),
    ],
)
def test_only_a_session_that_names_the_suite_is_about_it(tmp_path: Path, arguments: list[str], named: bool) -> None:
    assert names_the_suite(arguments, tmp_path) is named


def test_a_folder_is_named_from_where_the_session_starts() -> None:
    assert names_the_suite(["benchmarks/"], SUITE.parent)


@pytest.mark.session
def test_somebody_elses_session_keeps_its_own_options(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(FOREIGN_CONFTEST)
    (tmp_path / "test_theirs.py").write_text(FOREIGN_TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "harness.pytest_plugin.entry", "--model", "theirs", "test_theirs.py"]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.session
def test_in_a_checkout_the_plugin_is_loaded_once() -> None:
    command = [sys.executable, "-m", "pytest", str(SUITE), "--trace-config", "--collect-only", "-q", "--model", "gone.tflite"]
    done = subprocess.run(command, cwd=SUITE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "--model `gone.tflite` does not exist" in done.stderr
    assert "already registered" not in (done.stdout + done.stderr)
