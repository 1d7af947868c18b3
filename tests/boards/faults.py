"""Each fault that a lab meets, made for real on a test board, and what has to hold after it (faults_table.py counts)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.errors import EthosBenchError
from tests.boards.fault_scene import SILENCE_S, Scene

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def cut_in_upload(scene: Scene) -> None:
    """link cut during upload"""
    scene.board.slow("2mbit")
    uploads = scene.board.root / "home/board/.ethos-bench/blobs"
    image = np.random.default_rng(time.time_ns()).integers(-128, 128, scene.image.shape, dtype=np.int8)
    thread = scene.when(lambda: any(uploads.glob(".upload.*")), lambda: scene.cut(SILENCE_S + 3))
    try:
        run = scene.run(2, image=image)
        scene.require_right(run, 2, expected=list(run.outputs[0]))
    finally:
        thread.join()
        scene.board.fast()


def cut_in_run(scene: Scene) -> None:
    """link cut during the run"""
    thread = scene.when(lambda: scene.arrived >= 3, lambda: scene.cut(SILENCE_S + 3))
    run = scene.run()
    thread.join()
    assert run.lost_us
    scene.require_right(run)


def cut_in_download(scene: Scene) -> None:
    """link cut during download"""
    scene.board.slow("2mbit")
    thread = scene.when(lambda: "files" in scene.kinds, lambda: scene.cut(SILENCE_S + 3))
    try:
        scene.require_right(scene.run(2), 2)
    finally:
        thread.join()
        scene.board.fast()


def short_cut(scene: Scene) -> None:
    """link cut for a second"""
    thread = scene.when(lambda: scene.arrived >= 3, lambda: scene.cut(1))
    scene.require_right(scene.run())
    thread.join()


def new_host_key(scene: Scene) -> None:
    """host key changed between two runs"""
    scene.board.new_host_key()
    scene.board.reboot()
    scene.require_refused("its host key has changed")


def new_host_key_in_run(scene: Scene) -> None:
    """host key changed during the run"""

    def swap() -> None:
        scene.board.new_host_key()
        scene.board.reboot()

    thread = scene.when(lambda: scene.arrived >= 3, swap)
    scene.require_refused("its host key has changed")
    thread.join()


def disk_full(scene: Scene) -> None:
    """disk full"""
    fill = scene.board.root / "home/board/fill"
    try:
        with contextlib.suppress(OSError), fill.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
        scene.require_refused("MB free", "No space left", "cannot write")
    finally:
        fill.unlink(missing_ok=True)


def disk_full_in_run(scene: Scene) -> None:
    """disk full during the run"""
    fill = scene.board.root / "home/board/fill"

    def write() -> None:
        with contextlib.suppress(OSError), fill.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))

    thread = scene.when(lambda: scene.arrived >= 3, write)
    try:
        scene.require_right(scene.run())
    finally:
        thread.join()
        fill.unlink(missing_ok=True)


def reboot(scene: Scene) -> None:
    """board rebooted in the run"""
    thread = scene.when(lambda: scene.arrived >= 3, scene.board.reboot)
    run = scene.run()
    thread.join()
    assert run.lost_us
    scene.require_right(run)


def power_cut(scene: Scene) -> None:
    """power cut for good, with a power command"""
    switch = scene.work / "switch"
    switch.unlink(missing_ok=True)
    scene.write(power=["/bin/touch", str(switch)], reconnect_s=8)
    off = scene.when(lambda: scene.arrived >= 3, scene.board.off)
    on = scene.when(switch.exists, scene.board.on)
    run = scene.run()
    off.join()
    on.join()
    assert any("switched off and on" in note for note in run.notes)
    scene.require_right(run)


def power_cut_for_good(scene: Scene) -> None:
    """power cut for good, nobody mends it"""
    scene.write(reconnect_s=3)
    thread = scene.when(lambda: scene.arrived >= 3, scene.board.off)
    scene.require_refused("was lost while it ran")
    thread.join()
    scene.board.on()


def worker_killed(scene: Scene) -> None:
    """runner's worker killed"""
    thread = scene.when(lambda: scene.arrived >= 3, lambda: _kill(scene, "--board"))
    scene.require_refused("was killed by signal 9")
    thread.join()


def runner_killed(scene: Scene) -> None:
    """runner killed whole"""

    def both() -> None:
        parent = _pids(scene, "--board")[0]
        os.kill(parent, signal.SIGKILL)

    thread = scene.when(lambda: scene.arrived >= 3, both)
    run = scene.run()
    thread.join()
    scene.require_right(run)


def wrong_delegate(scene: Scene) -> None:
    """wrong delegate path"""
    scene.write(delegate="/opt/libethosu_delegat.so")
    scene.require_refused("no `/opt/libethosu_delegat.so`")


def broken_delegate(scene: Scene) -> None:
    """a delegate that is no library"""
    scene.write(delegate="/etc/passwd")
    scene.require_refused("does not run")


def silent_delegate(scene: Scene) -> None:
    """delegate that leaves the work to the CPU"""
    scene.write(kind="teflon")
    scene.require_refused("the CPU did the work", unproven=True)


def frozen_counter(scene: Scene) -> None:
    """delegate that claims and does not use the NPU"""
    scene.write(delegate_options={"enable_cycle_counter": "true", "counter": "frozen"})
    scene.require_refused("counter stood still", unproven=True)


def corrupted_once(scene: Scene) -> None:
    """upload corrupted once"""
    image = np.random.default_rng(time.time_ns()).integers(-128, 128, scene.image.shape, dtype=np.int8)
    with _corrupting(scene, 'rm "$0"; '):
        run = scene.run(2, image=image)
        scene.require_right(run, 2, expected=list(run.outputs[0]))
    assert any("corrupted" in note for note in run.notes)


def corrupted_always(scene: Scene) -> None:
    """upload corrupted every time"""
    image = np.random.default_rng(time.time_ns()).integers(-128, 128, scene.image.shape, dtype=np.int8)
    with _corrupting(scene, ""):
        scene.require_refused("was corrupted on its way", image=image, repeats=2)


def clock_jump(scene: Scene) -> None:
    """clock jumps by an hour in the run"""
    clock = scene.board.root / "home/board/clock"
    clock.write_text("+0\n")
    environment = {
        "PYTHONPATH": "/opt/tflite_runtime", "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": "/home/board/clock",
        "FAKETIME_NO_CACHE": "1",
    }  # fmt: skip
    scene.write(environment=environment)
    thread = scene.when(lambda: scene.arrived >= 3, lambda: _write(clock, "+3600\n"))
    try:
        scene.require_right(scene.run())
    except EthosBenchError as error:
        assert "clock" in str(error) or "add up to" in str(error), str(error)  # noqa: PT017  # either end will do
        assert len(getattr(error, "samples", ())) == scene.arrived  # noqa: PT017
    finally:
        thread.join()
        clock.unlink()


def two_harnesses(scene: Scene) -> None:
    """two harnesses at one board"""
    ends: list[BaseException | None] = []

    def other() -> None:
        done = subprocess.run(_child(scene, 6), capture_output=True, text=True, timeout=90, check=False)
        ends.append(None if done.returncode == 0 and done.stdout.count("sample") == 6 else AssertionError(done.stderr))

    thread = threading.Thread(target=other)
    thread.start()
    scene.require_right(scene.run())
    thread.join()
    assert ends == [None], ends


def _killed_by(number: int) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        journal = scene.work / "lost"
        child = subprocess.Popen(_child(scene, 1000, journal), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert child.stdout is not None
        seen = 0
        for line in child.stdout:
            seen += line.startswith("sample")
            if seen == 4:
                break
        try:
            child.send_signal(number)
            child.wait(timeout=30)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        kept = sum(path.read_text().count('"sample"') for path in journal.glob("*.jsonl"))
        assert kept >= seen, f"{seen} samples arrived, {kept} are on disk"
        for path in journal.glob("*.jsonl"):
            path.unlink()

    inject.__doc__ = f"our process killed by {signal.Signals(number).name}"
    return inject


FAULTS: dict[str, Callable[[Scene], None]] = {
    "cut-in-upload": cut_in_upload,
    "cut-in-run": cut_in_run,
    "cut-in-download": cut_in_download,
    "short-cut": short_cut,
    "host-key": new_host_key,
    "host-key-in-run": new_host_key_in_run,
    "disk-full": disk_full,
    "disk-full-in-run": disk_full_in_run,
    "reboot": reboot,
    "power-cut": power_cut,
    "power-cut-for-good": power_cut_for_good,
    "worker-killed": worker_killed,
    "runner-killed": runner_killed,
    "sigint": _killed_by(signal.SIGINT),
    "sigterm": _killed_by(signal.SIGTERM),
    "sigkill": _killed_by(signal.SIGKILL),
    "wrong-delegate": wrong_delegate,
    "broken-delegate": broken_delegate,
    "silent-delegate": silent_delegate,
    "frozen-counter": frozen_counter,
    "corrupted-once": corrupted_once,
    "corrupted-always": corrupted_always,
    "clock-jump": clock_jump,
    "two-harnesses": two_harnesses,
}
SWEPT_BY_NEXT = ("host-key-in-run", "power-cut-for-good", "runner-killed")
"""Faults after which nobody on the board is left to clear up."""
LIMIT_S = 90.0
"""No fault may take longer than this from its start to its end and a clean board."""


S = TypeVar("S", bound=Scene)


def make_fault(inject: Callable[[S], None], scene: S, *, swept_by_next: bool = False) -> float:
    """Make one fault, check everything that has to hold after it, and return the seconds it took."""
    scene.write()
    started = time.monotonic()
    try:
        inject(scene)
        took = time.monotonic() - started
        assert took < LIMIT_S, f"{took:.0f} s"
        scene.write()
        if swept_by_next:
            scene.sweep()
        scene.require_clean()
        return took
    finally:
        scene.restore()


def _child(scene: Scene, repeats: int, journal: Path | None = None) -> list[str]:
    """A harness in a process of its own that prints a line for each sample."""
    folder = scene.artefact.compilation.compiled.path.parent
    arguments = [scene.lab.targets, f"ssh:{scene.board.name}", repeats, scene.artefact.source.path, folder, journal or ""]
    return [sys.executable, "-m", "tests.boards.fault_child", *map(str, arguments)]


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _pids(scene: Scene, pattern: str) -> list[int]:
    found = []
    for pid in sorted(scene.board._pids()):
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if pattern in line and line.startswith("python3"):
                found.append(pid)
    return found


def _kill(scene: Scene, pattern: str) -> None:
    os.kill(_pids(scene, pattern)[-1], signal.SIGKILL)


@contextlib.contextmanager
def _corrupting(scene: Scene, after: str) -> Iterator[None]:
    """A `cat` on the board that turns the first byte of what it is given on stdin around."""
    cat = scene.board.root / "usr/local/bin/cat"
    cat.parent.mkdir(parents=True, exist_ok=True)
    cat.write_text(f'#!/bin/sh\n[ $# = 0 ] || exec /bin/cat "$@"\n{after}printf X; exec tail -c +2\n')
    cat.chmod(0o777)
    cat.parent.chmod(0o777)
    try:
        yield
    finally:
        cat.unlink(missing_ok=True)
