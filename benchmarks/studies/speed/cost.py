"""What a command costs: seconds and peak memory of its whole process tree."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from core.processes import run_child

LIMIT_S = 3600.0
POLL_S = 0.2
OFFLINE = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}


@dataclass(frozen=True)
class Cost:
    """Seconds of wall-clock and peak resident bytes of a process tree."""

    seconds: float
    peak_bytes: int


def median_seconds(costs: Sequence[Cost]) -> float:
    """The median of the rounds."""
    return statistics.median(cost.seconds for cost in costs)


def measured(command: Sequence[str], folder: Path, cwd: Path | None = None) -> Cost:
    """What one command costs with the cache and settings in `folder`; it must succeed."""
    environment = {**OFFLINE, "ETHOS_BENCH_CACHE": str(folder / "cache"), "YOLO_CONFIG_DIR": str(folder / "settings")}
    peak = _PeakMemory()
    started = time.perf_counter()
    finished = run_child(list(command), timeout_s=LIMIT_S, environment=environment, cwd=cwd or folder)
    seconds = time.perf_counter() - started
    peak.stop()
    if finished.returncode:
        raise click.ClickException(f"{' '.join(command[:4])} failed: {(finished.stderr or finished.stdout)[-800:]}")
    return Cost(seconds, peak.bytes)


class _PeakMemory:
    """The largest sum of resident bytes over all descendants of this process, looked at every 0.2 s."""

    def __init__(self) -> None:
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watching."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process(os.getpid())
        while not self._done.wait(POLL_S):
            self.bytes = max(self.bytes, sum(_resident(child) for child in own.children(recursive=True)))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0  # it ended between listing and looking
