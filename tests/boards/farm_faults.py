"""Each fault that a farm meets, made for real on a coordinator, an exporter and two boards, and what has to hold after it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from tests.boards.farm_lab import FarmLab
from tests.boards.fault_scene import Scene, settings

SPEC = "farm:npu=ethos-u65,board=farm-test"
FREE_S = 30.0
PATIENCE_S = 90


@dataclass
class FarmScene(Scene):
    """A farm at work; `board` is the first of its two, and jobs run on either."""

    farm: FarmLab | None = None
    spec: str = SPEC

    @property
    def lab_farm(self) -> FarmLab:
        """The farm."""
        assert self.farm
        return self.farm

    def write(self, **changes: Any) -> None:
        """Write the targets file, the farm's table included."""
        self.lab_farm.write(**settings(**changes))

    def working(self) -> int:
        """Which of the boards runs a job now: its number in the farm's list."""
        busy = [number for number, board in enumerate(self.lab_farm.boards) if board.processes()]
        assert len(busy) == 1, busy
        return busy[0]

    def restore(self) -> None:
        """Make the farm whole again."""
        farm = self.lab_farm
        farm.dead_switch, self.spec = False, SPEC
        for board in farm.boards:
            if not list(board._pids()):
                board.on()
        for name, start in (("coordinator", farm.start_coordinator), ("exporter", farm.start_exporter)):
            if name not in farm.processes:
                start()
        self.write()

    def sweep(self) -> None:
        """Run a job on each board, those that were off included."""
        self.restore()
        for board in self.lab_farm.boards:
            self.spec = f"farm:name={board.name}"
            self.run(0)
        self.spec = SPEC

    def require_clean(self) -> None:
        """Fail when a place, an agent, or anything on a board is still held once everybody must have noticed."""
        deadline = time.monotonic() + FREE_S
        while left := self._left():
            assert time.monotonic() < deadline, f"left: {left}"
            time.sleep(0.2)

    def _left(self) -> list[str]:
        boards = [what for board in self.lab_farm.boards for what in board.processes() + board.files()]
        return boards or self._agents() or self.lab_farm.acquired()

    def _agents(self) -> list[str]:
        """Agents of this farm's coordinator that still run."""
        address, found = self.lab_farm.address, []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = process.cmdline()
                if "targets.boards.farm_agent" in line and address in line:
                    found.append(f"agent {process.pid}")
        return found

    def child(self, repeats: int, spec: str = SPEC) -> subprocess.Popen[str]:
        """A harness in a process of its own that prints a line for each sample; its journal is `work`/lost."""
        folder = self.artefact.compilation.compiled.path.parent
        arguments = [self.lab.targets, spec, repeats, self.artefact.source.path, folder, self.work / "lost"]
        with (self.work / "said").open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.boards.fault_child", *map(str, arguments)],
                stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, "LG_COORDINATOR": self.lab_farm.address},
            )  # fmt: skip

    def working_child(self, samples: int = 3) -> subprocess.Popen[str]:
        """A harness of which some samples have arrived."""
        child = self.child(1000)
        assert child.stdout is not None
        for _ in range(samples):
            assert child.stdout.readline() == "sample\n", (self.work / "said").read_text()
        return child

    def require_kept(self, samples: int) -> None:
        """Fail unless so many samples of a harness that was killed are on disk."""
        files = list((self.work / "lost").glob("farm-*.jsonl"))
        kept = sum(path.read_text().count('"sample"') for path in files)
        assert kept >= samples, f"{samples} samples arrived, {kept} are on disk"
        for path in files:
            path.unlink()


def coordinator_restarts(scene: FarmScene) -> None:
    """coordinator restarted during the run"""

    def restart() -> None:
        scene.lab_farm.stop("coordinator")
        scene.lab_farm.start_coordinator()

    thread = scene.when(lambda: scene.arrived >= 3, restart)
    scene.require_right(scene.run())
    thread.join()
    scene.require_right(scene.run(2), 2)  # exporters need a moment to come back


def coordinator_away(scene: FarmScene) -> None:
    """coordinator away when the run ends, and back later"""
    thread = scene.when(lambda: scene.arrived >= 3, lambda: scene.lab_farm.stop("coordinator"))
    later = threading.Timer(8, scene.lab_farm.start_coordinator)
    later.start()
    scene.require_right(scene.run())
    thread.join()
    later.join()


def exporter_dead(scene: FarmScene) -> None:
    """exporter dead before the run"""
    scene.lab_farm.stop("exporter")
    scene.write(wait_s=2)
    scene.require_refused("its exporter is not there")


def exporter_dies(scene: FarmScene) -> None:
    """exporter dead during the run"""
    thread = scene.when(lambda: scene.arrived >= 3, lambda: scene.lab_farm.stop("exporter"))
    scene.require_right(scene.run())
    thread.join()


def power_lost(scene: FarmScene) -> None:
    """power lost during the run, the place can switch it"""
    thread = scene.when(lambda: scene.arrived >= 3, lambda: scene.lab_farm.boards[scene.working()].off())
    scene.write(reconnect_s=4)
    run = scene.run()
    thread.join()
    assert any("switched off and on" in note for note in run.notes), run.notes
    scene.require_right(run)


def board_gone(scene: FarmScene) -> None:
    """board lost during the run, for good: the job moves"""
    scene.lab_farm.dead_switch = True
    gone: list[str] = []

    def off() -> None:
        board = scene.lab_farm.boards[scene.working()]
        board.off()
        gone.append(board.name)

    scene.write(reconnect_s=2, connect_s=3)
    thread = scene.when(lambda: scene.arrived >= 3, off)
    run = scene.run()
    thread.join()
    assert gone
    assert not any(note.endswith(gone[0]) for note in run.notes), (gone, run.notes)
    scene.require_right(run)


def _killed_by(number: int, words: str) -> Callable[[FarmScene], None]:
    def inject(scene: FarmScene) -> None:
        child = scene.working_child()
        try:
            assert len(scene.lab_farm.acquired()) == 1
            child.send_signal(number)
            child.wait(timeout=FREE_S)
        finally:
            _end(child)
        scene.require_kept(3)

    inject.__doc__ = words
    return inject


def agent_killed_too(scene: FarmScene) -> None:
    """our process and its agent killed: the next run frees the place"""
    child = scene.working_child()
    try:
        held = scene.lab_farm.acquired()
        assert len(held) == 1
        for process in psutil.Process(child.pid).children():
            process.kill()
    finally:
        _end(child)
    scene.require_kept(3)
    scene.require_right(scene.run(2), 2)


def two_harnesses(scene: FarmScene) -> None:
    """two harnesses at one place"""
    child = scene.child(6, "farm:name=farm-a")
    scene.spec = "farm:name=farm-a"
    try:
        scene.require_right(scene.run())
        said, _ = child.communicate(timeout=PATIENCE_S)
        assert said == "sample\n" * 6, (scene.work / "said").read_text()
    finally:
        _end(child)


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    if child.stdout and not child.stdout.closed:
        child.stdout.close()


FARM_FAULTS: dict[str, Callable[[FarmScene], None]] = {
    "coordinator-restarts": coordinator_restarts,
    "coordinator-away": coordinator_away,
    "exporter-dead": exporter_dead,
    "exporter-dies": exporter_dies,
    "farm-power-lost": power_lost,
    "farm-board-gone": board_gone,
    "farm-sigint": _killed_by(signal.SIGINT, "our process killed by SIGINT with a place acquired"),
    "farm-sigterm": _killed_by(signal.SIGTERM, "our process killed by SIGTERM with a place acquired"),
    "farm-sigkill": _killed_by(signal.SIGKILL, "our process killed by SIGKILL with a place acquired"),
    "farm-agent-killed": agent_killed_too,
    "farm-two-harnesses": two_harnesses,
}
SWEPT_BY_NEXT = ("farm-board-gone", "farm-power-lost")


def farm_scene(farm: FarmLab, scene: Scene) -> FarmScene:
    """The farm with the model of another scene."""
    made = FarmScene(farm.lab, farm.boards[0], scene.artefact, scene.expected, scene.image, scene.work, spec=SPEC, farm=farm)
    made.restore()
    return made
