"""Commands in poor surroundings: a reader that goes away, an ASCII terminal, few columns, no colour, no home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.tasks.detect.tiny_models import write_tflite

PROGRAM = str(Path(sys.executable).parent / "ethos-bench")


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PROGRAM": PROGRAM, **environment}
    return subprocess.run(["bash", "-c", script], env=settings, capture_output=True, text=True, check=False, timeout=200)


def test_a_reader_that_goes_away_or_is_not_there_gets_no_stack_trace() -> None:
    done = shell('"$PROGRAM" profiles | head -1; "$PROGRAM" profiles >&-')
    assert done.stdout.startswith("Boards")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_an_ascii_terminal_of_forty_columns_without_colour_has_every_name() -> None:
    surroundings = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "40", "NO_COLOR": "1"}
    done = shell('"$PROGRAM" profiles', **surroundings)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("alif-e7-hp", "imx93", "ethos-u85-2048"))
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


def test_help_needs_no_home_and_no_network() -> None:
    done = shell('env -i "$PROGRAM" --help', HTTPS_PROXY="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "Say what is installed" in done.stdout


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = shell('"$PROGRAM" cache size', ETHOS_BENCH_CACHE=str(tmp_path / "file"))
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("home", ["/proc", "/dev/null", "/sys"])
def test_a_home_in_which_nothing_can_be_made_is_an_error_with_the_way_out(home: str, tmp_path: Path) -> None:
    model = write_tflite(tmp_path / "relu.tflite", [1, 8, 8, 3])
    command = f'env -u ETHOS_BENCH_CACHE -u XDG_CACHE_HOME HOME={home} "$PROGRAM" inspect {model}'
    done = shell(command)
    assert done.returncode == 1
    assert f"cannot write to `{home}/.cache/ethos-bench`" in done.stderr
    assert "hint: ETHOS_BENCH_CACHE=/path/with/space" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody whom the computer does not know")
def test_a_user_without_a_home_is_told_and_gets_no_folder_called_tilde(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    code = "import os; from core.cache import cache_root; os.setuid(54321); cache_root()"
    program = f"cd {tmp_path} && env -u HOME -u ETHOS_BENCH_CACHE -u XDG_CACHE_HOME PYTHONPATH={Path(__file__).parents[3]}"
    done = shell(f"{program} {sys.executable} -c '{code}'")
    assert "this user has no home folder" in done.stderr
    assert not list(tmp_path.iterdir())


def test_without_home_the_cache_that_is_named_will_do_and_a_reader_may_go_away(tmp_path: Path) -> None:
    model = write_tflite(tmp_path / "relu.tflite", [1, 8, 8, 3])
    done = shell(f'env -u HOME ETHOS_BENCH_CACHE={tmp_path / "cache"} LANG=C LC_ALL=C "$PROGRAM" inspect {model} | head -1')
    assert done.stdout == "relu.tflite\n"
    assert not done.stderr


def make_environment(tmp_path: Path, python: str) -> subprocess.CompletedProcess[str]:
    command = f"make -C {Path(__file__).parents[3]} environment VENV={tmp_path / 'venv'} PYTHON={python}"
    return shell(command)


def test_without_a_python_that_will_do_make_says_which_would(tmp_path: Path) -> None:
    done = make_environment(tmp_path, "")
    assert done.returncode
    assert "error: no Python 3.10 to 3.13 on PATH" in done.stdout


@pytest.mark.parametrize("python", ["exit 1", "test $1 = -c"], ids=["does not start", "has no pip yet"])
def test_an_environment_that_was_left_half_made_is_made_anew(python: str, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    for path, script in ((tmp_path / "venv/bin/python", python), (tmp_path / "python", f"echo $* > {asked}; exit 1")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    make_environment(tmp_path, str(tmp_path / "python"))
    assert asked.read_text() == f"-m venv --clear {tmp_path / 'venv'}\n"
