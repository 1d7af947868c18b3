"""A child process with TFLite Micro in it: models stay open there, so that their variables live on between runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from targets.job_folder import job_errors

Array = NDArray[Any]

RUNNER = Path(__file__).parent / "runner" / "micro_runner.py"
LEAST_ARENA_BYTES = 1 << 20
MOST_ARENA_BYTES = (1 << 31) - 4096
"""TFLite Micro takes its arena's size as a signed 32-bit number; pages that are not used cost nothing."""


class MicroProcess:
    """The process and the folder through which tensors go; both end with the object, whatever ends it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ethos-bench-micro-")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(RUNNER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _end, self._child, self._errors, self._folder)
        self._turn = threading.Lock()

    def __enter__(self) -> MicroProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if it has not ended."""
        self._end()

    def open(self, name: str, content: bytes, tensor_bytes: int, timeout_s: float, what: str) -> int:
        """The bytes of the arena that a model turned out to need, doubled from `tensor_bytes` until it fits."""
        path = Path(self._folder.name) / f"{name}.tflite"
        with job_errors(path.parent):
            path.write_bytes(content)
        sizes = [min(max(tensor_bytes, LEAST_ARENA_BYTES), MOST_ARENA_BYTES), MOST_ARENA_BYTES]
        return int(self._ask({"open": name, "model": str(path), "arena_bytes": sizes}, timeout_s, what)["arena_bytes"])

    def run(self, name: str, inputs: Sequence[Array], outputs: int, timeout_s: float, what: str) -> list[Array]:
        """An open model's first `outputs` outputs for its inputs."""
        with self._turn:
            read, written = self._files("input", len(inputs)), self._files("output", outputs)
            with job_errors(Path(self._folder.name)):
                for path, values in zip(read, inputs, strict=True):
                    np.save(path, values, allow_pickle=False)
            self._ask({"run": name, "inputs": list(map(str, read)), "outputs": list(map(str, written))}, timeout_s, what)
            return [np.load(path, allow_pickle=False) for path in written]

    def reset(self, timeout_s: float) -> None:
        """Every open model's variables get their first value."""
        self._ask({"reset": True}, timeout_s, "a model")

    def _files(self, side: str, count: int) -> list[Path]:
        return [Path(self._folder.name) / f"{side}-{number}.npy" for number in range(count)]

    def _ask(self, request: dict[str, Any], timeout_s: float, what: str) -> dict[str, Any]:
        """The answer to a request; RunError with TFLite Micro's last words when the process ends or time runs out."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        expired = threading.Event()
        timer = threading.Timer(timeout_s, _expire, (self._child, expired))
        timer.daemon = True
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.write(json.dumps(request) + "\n")
                self._child.stdin.flush()
            line = self._child.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise _refusal(what, self._child.wait(), expired.is_set(), self._said())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")


def _refusal(what: str, code: int, timed_out: bool, words: str) -> RunError:
    """The error with TFLite Micro's own last words."""
    said = [line.strip() for line in words.splitlines() if line.strip() and not line.startswith((" ", "Traceback"))]
    how = "ran out of time" if timed_out else f"ended with {code}"
    return RunError(
        f"`{what}` does not run in TFLite Micro, which {how}: {' | '.join(said[-3:])[:500]}",
        "operators and types that TFLite Micro's reference kernels have",
    )


def _expire(child: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    _kill(child)


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill the child's process group; harmless when it has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _end(child: subprocess.Popen[str], errors: IO[bytes], folder: tempfile.TemporaryDirectory[str]) -> None:
    """Nothing of it is left."""
    _kill(child)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    errors.close()
    folder.cleanup()
