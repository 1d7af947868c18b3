"""Full disks and Ctrl-C: nothing half-written, nobody left behind, what was found so far is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.conftest import MakeModel, RunSuite, SuiteRun, suite_command, suite_environment
from tests.checkout import CHECKOUT
from tests.children import gone
from tests.harness.schema import read_results
from tests.small_disk import mounted

SLEEPING_VELA = """#!/bin/sh
if [ "$1" = --version ]; then echo 5.2.0; exit 0; fi
echo $$ > {pid_file}
touch half-written_vela.tflite
sleep 600
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path, "40k") as folder:
        yield folder


def interrupted(command: list[str], folder: Path, cache: Path, started: Path) -> SuiteRun:
    """A run that gets Ctrl-C, as a terminal sends it, half a second after the file `started` is there."""
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=suite_environment(cache),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not started.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    return SuiteRun(process.returncode, output, folder)


def runners() -> set[int]:
    """Processes of the host target's runner."""
    found = set()
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any("tflite_runner.pyz" in part for part in process.info["cmdline"] or ()):
            found.add(process.info["pid"])
    return found


@pytest.mark.parametrize("spread", [[], pytest.param(["-n", "2"], marks=pytest.mark.slow)], ids=["alone", "spread"])
def test_ctrl_c_while_a_model_is_compiled(model: MakeModel, tmp_path: Path, spread: list[str]) -> None:
    pid_file, vela, cache = tmp_path / "vela-pid", tmp_path / "vela", tmp_path / "cache"
    vela.write_text(SLEEPING_VELA.format(pid_file=pid_file))
    vela.chmod(0o755)
    folder = tmp_path / "results" / "run"
    command = suite_command("--results", folder, "--model", model("detector"), "--vela", vela, *spread)
    run = interrupted(command, folder, cache, pid_file)
    run.says("KeyboardInterrupt")
    assert run.code == 2
    assert gone(int(pid_file.read_text()))
    # where the newest run lies and what its tests took: whole, and true of one that was broken off too
    said = ("last-results.txt", "stage-seconds.json")
    left = [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock" and path.name not in said]
    assert left == []
    assert not list((cache / "compile").glob("*"))
    read_results(folder)


@pytest.mark.slow
def test_ctrl_c_while_a_model_runs_keeps_what_was_found(model: MakeModel, tmp_path: Path, shared_cache: Path) -> None:
    before = runners()
    folder = tmp_path / "results" / "run"
    command = suite_command("--results", folder, "--model", model("slow"))
    command[command.index("3")] = "100000"
    run = interrupted(command, folder, shared_cache, folder / "placement" / "slow-ethos-u65-256.json")
    run.says("KeyboardInterrupt")
    assert run.code == 2
    deadline = time.monotonic() + 5
    while runners() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runners() <= before
    assert run.value("npu_operator_share") == 1.0
    assert (folder / "slow.md").exists()


def test_a_full_disk_in_the_cache_names_the_folder_and_the_way_out(
    run_suite: RunSuite, model: MakeModel, small_disk: Path
) -> None:
    run = run_suite("--model", model("detector"), cache=small_disk)
    run.says(f"cannot write to `{small_disk}", "No space left", "hint: ETHOS_BENCH_CACHE=/path/with/space ethos-bench run")
    assert run.code == 1
    assert not list((small_disk / "compile").glob("*"))
    assert [path.name for path in (small_disk / "tmp").iterdir() if path.suffix != ".lock"] == []
    assert run.value("activation") == "relu"


@pytest.mark.slow
def test_a_full_disk_under_the_results_ends_the_session_with_the_folder(
    run_suite: RunSuite, model: MakeModel, small_disk: Path
) -> None:
    run = run_suite(
        "--model", model("detector"), "--npu", "ethos-u65-256", "--npu", "ethos-u55-256", "--results", small_disk / "r"
    )
    run.says(f"cannot write results to `{small_disk / 'r'}`: No space left", "hint: --results /path/with/space")
    assert run.code == 1
    read_results(small_disk / "r")


@pytest.mark.slow
def test_results_that_cannot_be_written_at_all(run_suite: RunSuite, model: MakeModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = run_suite("--model", model("detector"), "--results", tmp_path / "file" / "run")
    run.says("cannot write results to", "file/run", "hint: --results /path/with/space")
    assert run.code == 1
