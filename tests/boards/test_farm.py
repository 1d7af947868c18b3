"""Boards of a labgrid farm, with a real coordinator and a real exporter.

Covers targets.farm.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import TargetUnavailable, UsageError
from core.metrics import BY_NAME
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.run import Run
from targets.boards.farm_lease import FarmAgent
from targets.kinds import TargetOptions, open_target
from tests.benchmarks import tiny
from tests.benchmarks.conftest import RunSuite
from tests.boards.farm_lab import FarmLab
from tests.boards.session import farm as session_farm
from tests.boards.session import farm_row
from tests.boards.test_replay import require_same

SPEC = "farm:npu=ethos-u65,board=farm-test"
FREE_S = 30.0
Image = NDArray[np.int8]


@pytest.fixture
def farm() -> Iterator[FarmLab]:
    if why := farm_row():
        pytest.skip(why)
    yield session_farm()
    found = session_farm()
    for name, start in (("coordinator", found.start_coordinator), ("exporter", found.start_exporter)):
        if name not in found.processes:
            start()
    for board in found.boards:
        if not list(board._pids()):
            board.on()
    found.write()


def options(farm: FarmLab, journal: Path | None = None) -> TargetOptions:
    return TargetOptions(threads=1, targets_file=farm.lab.targets, journal=journal)


def run(farm: FarmLab, artefact: Artefact, image: Image, journal: Path | None = None, spec: str = SPEC) -> Run:
    with open_target(spec, options(farm, journal)) as target:
        return target.run(Job(artefact, (image,), 2))


def require_free(farm: FarmLab) -> None:
    deadline = time.monotonic() + FREE_S
    while held := farm.acquired():
        assert time.monotonic() < deadline, held
        time.sleep(0.5)


def test_a_farm_needs_tags_and_a_coordinator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="farm:imx93"):
        open_target("farm:imx93", TargetOptions(threads=1))
    monkeypatch.delenv("LG_COORDINATOR", raising=False)
    with pytest.raises(UsageError, match="no labgrid coordinator is named"), open_target(SPEC, TargetOptions(threads=1)):
        pass


@pytest.mark.boards
@pytest.mark.slow
def test_what_no_place_can_satisfy_is_refused_at_once_with_what_there_is(farm: FarmLab) -> None:
    started = time.monotonic()
    with (
        pytest.raises(TargetUnavailable, match="no place of the farm has these tags") as caught,
        open_target("farm:npu=ethos-u85", options(farm)),
    ):
        pass
    assert "board=farm-test name=farm-a npu=ethos-u65" in caught.value.expected
    assert time.monotonic() - started < FREE_S


@pytest.mark.boards
@pytest.mark.slow
def test_six_models_run_on_two_boards_the_records_say_which_ran_what_and_a_replay_says_the_same(
    farm: FarmLab, run_suite: RunSuite, tmp_path: Path
) -> None:
    paths = [tmp_path / f"model{number}.tflite" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(tiny.detector() if number == 0 else _with_other_weights(number))
    done = run_suite(
        "--target", SPEC, "--targets", farm.lab.targets, "-n", "2", "--repeats", "2", "-v", "--record", tmp_path / "kept",
        report=True, ETHOS_BENCH_TEST_MODELS=":".join(map(str, paths)), LG_COORDINATOR=farm.address,
    )  # fmt: skip
    done.says()
    assert done.code == 0, done.output
    ran = set(re.findall(r"\[(gw\d)\].* PASSED \S*\[(model\d)-", done.output))
    assert len(ran) == 6, f"a model's tests stay in one process, with one job: {ran}"
    latencies = [r for r in done.results["records"] if r["metric"] == "latency_us" and r["stat"] == "median"]
    assert len(latencies) == 6
    assert {r["note"].partition("ran on place ")[2].partition(";")[0] for r in latencies} == {"farm-a", "farm-b"}
    page = (done.folder / "report.html").read_text()
    assert all(f"ran on place {name}" in page for name in ("farm-a", "farm-b"))
    assert {r["metric"] for r in done.results["records"]} <= set(BY_NAME), "a metric that comparisons of runs do not know"
    require_free(farm)
    again = run_suite(
        "--target", f"replay:{tmp_path / 'kept'}", "--repeats", "2", results="results/again",
        ETHOS_BENCH_TEST_MODELS=":".join(map(str, paths)),
    )  # fmt: skip
    assert again.code == 0, again.output
    require_same(again, done, tmp_path / "kept")


@pytest.mark.boards
@pytest.mark.slow
def test_a_board_that_fails_twice_is_set_aside_and_its_jobs_move_on(
    farm: FarmLab, small: Artefact, image: Image, tmp_path: Path
) -> None:
    farm.boards[0].off()
    farm.write(connect_s=3, reconnect_s=1)
    with taken(farm, "farm-b") as other:
        moving = threading.Thread(target=_when_tried_twice, args=(tmp_path, lambda: other.ask("release")))
        moving.start()
        found = _without_power(farm, small, image, tmp_path)
        moving.join()
    assert "ran on place farm-b" in found.notes
    failed = [json.loads(line)["place"] for line in (tmp_path / "farm.jsonl").read_text().splitlines()]
    assert failed == ["farm-a", "farm-a"]
    require_free(farm)


@pytest.mark.boards
@pytest.mark.slow
def test_a_place_can_be_asked_for_by_its_name_and_is_waited_for(farm: FarmLab, small: Artefact, image: Image) -> None:
    farm.write(wait_s=1)
    with taken(farm, "farm-b"):
        assert "ran on place farm-a" in run(farm, small, image, spec="farm:name=farm-a").notes
        with pytest.raises(TargetUnavailable, match="no place became free in time"):
            run(farm, small, image, spec="farm:name=farm-b")
    assert "ran on place farm-b" in run(farm, small, image, spec="farm:name=farm-b").notes


@contextlib.contextmanager
def taken(farm: FarmLab, name: str) -> Iterator[FarmAgent]:
    """Another harness holds a place, until it releases it."""
    with farm.agent() as agent:
        agent.ask("acquire", tags={"name": name}, wait_s=30, avoid=[])
        yield agent


def _when_tried_twice(journal: Path, then: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if len((journal / "farm.jsonl").read_text().splitlines()) == 2:
                break
        time.sleep(0.05)
    then()


def _with_other_weights(number: int) -> bytes:
    """The detector with weights of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "default_rng", lambda _: np.random.Generator(np.random.PCG64(number)))
        return tiny.detector()


def _without_power(farm: FarmLab, artefact: Artefact, image: Image, journal: Path) -> Run:
    """A run on a farm whose switch does nothing: the exporter's boards stay as they are."""
    farm.dead_switch = True
    try:
        return run(farm, artefact, image, journal)
    finally:
        farm.dead_switch = False


@pytest.mark.boards
@pytest.mark.slow
def test_a_board_that_is_off_is_switched_on_through_the_places_power_port(farm: FarmLab, small: Artefact, image: Image) -> None:
    for board in farm.boards:
        board.off()
    farm.write(connect_s=3, reconnect_s=20)
    assert run(farm, small, image).proof
    require_free(farm)
