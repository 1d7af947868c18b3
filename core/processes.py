"""Child processes that do not outlive us: streamed line by line, limited in time, killed with all their children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

PARENT_LOOK_S = 1.0
MOST_LINE = 16 << 20
MOST_OUTPUT = 256 << 20
"""Characters of a line, and of everything that a child may print: one that says more is ended."""


@dataclass(frozen=True)
class Finished:
    """How a child ended: its exit code (negative: the signal that ended it), what it said, and whether time ran out."""

    returncode: int
    stdout: str
    stderr: str
    timed_out: bool


def run_child(
    command: Sequence[str | Path],
    *,
    timeout_s: float,
    on_line: Callable[[str], None] | None = None,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Finished:
    """What `command` printed and how it ended; `on_line` sees each stdout line as it comes.

    The child leads a process group of its own, which is killed when time runs out and on any exception here, Ctrl-C
    included. One that prints without end is killed, too, and its last words say so. OSError when it cannot be started. Nobody
    can tidy up after a SIGKILL: children that compute for long call `end_with_parent`.
    """
    with (
        tempfile.TemporaryFile() as errors,
        started_child(command, errors, {**os.environ, **(environment or {})}, cwd) as child,
    ):
        expired = threading.Event()
        timer = threading.Timer(timeout_s, _expire, (child, expired))
        timer.daemon = True
        timer.start()
        try:
            lines, excess = _read(child, on_line)
            returncode = child.wait()
        finally:
            timer.cancel()
        return Finished(returncode, "".join(lines), _last_of(errors) + excess, expired.is_set())


@contextlib.contextmanager
def started_child(
    command: Sequence[str | Path],
    errors: IO[bytes],
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
    handed: Sequence[int] = (),
) -> Iterator[subprocess.Popen[str]]:
    """A child in a group of its own, killed when the block is left; a Ctrl-C while it starts is heard once it can be.

    `handed` are open file descriptors that it gets under the same numbers.
    """
    with _interrupt_kept() as hear:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=handed,
        )
        try:
            hear()
            yield child
        finally:
            _kill(child)
            child.wait()


@contextlib.contextmanager
def _interrupt_kept() -> Iterator[Callable[[], None]]:
    """Ctrl-C raises nothing in the block before the callable has been called, and is made up for then.

    Without this it may strike inside `Popen`, after the child has started and before anybody has its number.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: None  # no exception can come: only the main thread is interrupted, and only by a Python handler
        return
    kept: list[tuple[int, FrameType | None]] = []
    heard = False
    signal.signal(signal.SIGINT, lambda number, frame: kept.append((number, frame)))

    def hear() -> None:
        nonlocal heard
        if heard:
            return
        heard = True
        signal.signal(signal.SIGINT, handler)
        if kept:
            handler(*kept[0])

    try:
        yield hear
    finally:
        hear()


def end_on_sigterm() -> None:
    """From now on SIGTERM is a Ctrl-C: what was started is ended, and what was begun is tidied up, before this process ends.

    Nothing where somebody else listens already, or outside the main thread.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def end_with_parent(parent: int) -> None:
    """End this process and its group, at most a second after process `parent` has, whatever killed that."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_S)
    os.killpg(0, signal.SIGKILL)


def _read(child: subprocess.Popen[str], on_line: Callable[[str], None] | None) -> tuple[list[str], str]:
    """The lines, and why the child was ended when they were too much."""
    assert child.stdout is not None
    lines: list[str] = []
    room = MOST_OUTPUT
    with child.stdout:
        while line := child.stdout.readline(MOST_LINE):
            room -= len(line)
            if room < 0 or (len(line) == MOST_LINE and not line.endswith("\n")):
                _kill(child)
                return lines, f"\nended: it printed a line of {MOST_LINE} characters, or more than {MOST_OUTPUT} in all"
            lines.append(line)
            if on_line:
                on_line(line.rstrip("\n"))
    return lines, ""


def _last_of(errors: IO[bytes]) -> str:
    """What a child said on stderr, the end of it when it is long."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - MOST_LINE))
    return errors.read().decode(errors="replace")


def _expire(child: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    _kill(child)


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill the child's whole process group; harmless when it has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
