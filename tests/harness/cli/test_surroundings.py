"""Commands in poor surroundings: a reader that goes away, an ASCII terminal, few columns, no colour, no home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
