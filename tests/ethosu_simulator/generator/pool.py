"""Cases -> results, in worker processes that may die: a case that ends its process is a result too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from queue import Empty, Queue

from tests.checkout import CHECKOUT
from tests.ethosu_simulator.generator.compare import CRASHED, Result

SECONDS_PER_CASE = 120


class _Worker:
    """One child process, started again after a crash."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def compare(self, case: str) -> Result:
        """The case's result; a crash or a hang is one."""
        child = self._child or self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(SECONDS_PER_CASE, child.kill)
        timer.start()
        try:
            child.stdin.write(case + "\n")
            child.stdin.flush()
            line, stage = child.stdout.readline(), CRASHED
            while line and not line.startswith("{"):
                line, stage = child.stdout.readline(), line.strip()
        except BrokenPipeError:
            line, stage = "", CRASHED
        finally:
            timer.cancel()
        if line:
            return Result(**json.loads(line))
        self.close()
        return Result(case, stage, f"the process ended with {child.returncode}")

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.ethosu_simulator.generator.worker"]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=environment
        )
        assert self._child.stdout is not None
        self._child.stdout.readline()  # ready
        return self._child

    def close(self) -> None:
        """Ends the child."""
        if self._child:
            self._child.kill()
            self._child.communicate()
            self._child = None


def compare_all(cases: Iterable[str], workers: int = 2) -> Iterator[Result]:
    """Results as they come, in no fixed order."""
    waiting: Queue[str] = Queue()
    for case in cases:
        waiting.put(case)
    total, done = waiting.qsize(), Queue[Result]()

    def serve() -> None:
        worker = _Worker()
        try:
            while True:
                done.put(worker.compare(waiting.get_nowait()))
        except Empty:
            pass
        finally:
            worker.close()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for _ in range(total):
        yield done.get()
