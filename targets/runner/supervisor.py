"""Runs a job on a board in a child and watches over it.

The job ends when its master's heartbeat (any byte on stdin) stays away, and its folder goes in every case. One job at a time:
the others wait for the lock of the work folder.
"""

import contextlib
import ctypes
import fcntl
import glob
import hashlib
import os
import select
import shutil
import signal
import sys
import time
from dataclasses import replace
from typing import Optional

from targets.runner.protocol import Alive, Failed, Files, RunnerJob, Stay, Waiting
from targets.runner.reporting import say
from targets.runner.tflite_runner import run_job

ALIVE_EVERY_S = 2.0  # at most: a quarter of the silence that is allowed


def supervise() -> int:
    """Run the job of stdin's first line in a child, and end it when the master is gone; nothing is left either way."""
    job = RunnerJob.from_json(first_line().decode())
    stay = job.stay
    assert stay
    jobs = os.path.join(stay.work, "jobs")
    folder = os.path.join(jobs, stay.job)
    child = 0
    try:
        os.makedirs(jobs, mode=0o700, exist_ok=True)
        with open(os.path.join(stay.work, "sweeping"), "w") as sweeping:
            fcntl.flock(sweeping, fcntl.LOCK_EX)
            os.mkdir(folder, 0o700)
            lease = lock_file(os.path.join(folder, "lease"))
            fcntl.flock(lease, fcntl.LOCK_EX)
            sweep(jobs)
        lock = lock_file(os.path.join(stay.work, "lock"))
        if not wait_for(lock, stay):
            return 3
        child = start(replace(job, outputs=folder))
        code = watch(child, stay.silence_s)
        child = 0
        fcntl.flock(lock, fcntl.LOCK_UN)
        if code is None:
            return 4
        offer(folder)
        trim(os.path.join(stay.work, "blobs"), stay.keep_bytes)
        linger(stay.silence_s)
        return code
    except OSError as error:
        say(Failed("%s: %s" % (type(error).__name__, error)))
        return 1
    finally:
        if child:
            end(child)
        shutil.rmtree(folder, ignore_errors=True)


def first_line() -> bytes:
    """The first line of stdin, and not one byte more: what follows is the master's heartbeat."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


def start(job: RunnerJob) -> int:
    """The process that runs the job; it dies with its parent, whatever kills that."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        os.close(0)  # the master's heartbeat is the parent's
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() == parent:
            code = run_job(job)
    finally:
        os._exit(code)


def end(child: int) -> None:
    """Kill the job's process with all that it started."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.waitpid(child, 0)


def watch(child: int, silence_s: float) -> Optional[int]:
    """The child's exit code; None when the master went away and the child was ended. Says "alive" while it runs."""
    heard = said = time.monotonic()
    every_s = min(ALIVE_EVERY_S, silence_s / 4)
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            if os.WIFSIGNALED(status):
                say(Failed("the job was killed by signal %d" % os.WTERMSIG(status)))
                return 1
            return os.WEXITSTATUS(status)
        now = time.monotonic()
        if now - said > every_s:
            say(Alive())
            said = now
        beat = hear(0.05)
        if beat is None or now - heard > silence_s:
            end(child)
            return None
        if beat:
            heard = now


def hear(wait_s: float) -> Optional[bool]:
    """Whether the master said anything within `wait_s`; None when it has gone."""
    ready, _, _ = select.select([0], [], [], wait_s)
    if not ready:
        return False
    return True if os.read(0, 4096) else None


def linger(silence_s: float) -> None:
    """Keep the outputs until the master has fetched them and closes, or is gone."""
    heard = said = time.monotonic()
    every_s = min(ALIVE_EVERY_S, silence_s / 4)
    while time.monotonic() - heard < silence_s:
        beat = hear(every_s)
        if beat is None:
            return
        if beat:
            heard = time.monotonic()
        if time.monotonic() - said > every_s:
            say(Alive())
            said = time.monotonic()


def offer(folder: str) -> None:
    """Say which files there are to fetch, with size and hash."""
    sizes, digests = {}, {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".bin"):
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            sizes[name], digests[name] = len(content), hashlib.sha256(content).hexdigest()
    say(Files(folder=folder, sizes=sizes, sha256=digests))


def lock_file(path: str) -> int:
    """A descriptor to lock; the lock lives as long as this process."""
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def wait_for(lock: int, stay: Stay) -> bool:
    """Take the board's lock; False when the master goes away or patience ends before."""
    deadline = time.monotonic() + stay.wait_s
    told = 0.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() > deadline:
                say(Failed("another harness has used the board for more than %d s" % stay.wait_s))
                return False
        if time.monotonic() - told > min(ALIVE_EVERY_S, stay.silence_s / 4):
            say(Waiting())
            told = time.monotonic()
        if hear(0.1) is None:
            return False


def sweep(jobs: str) -> None:
    """Remove what killed supervisors left: job folders whose lease nobody holds, and uploads without an end."""
    for name in os.listdir(jobs):
        folder = os.path.join(jobs, name)
        try:
            with open(os.path.join(folder, "lease")) as lease:
                fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, or just being made
    for path in glob.glob(os.path.join(os.path.dirname(jobs), "blobs", ".upload.*")):
        if time.time() - os.stat(path).st_mtime > 3600:
            os.unlink(path)


def trim(blobs: str, keep_bytes: int) -> None:
    """Remove the files that were not used for longest, until the rest fits into what may stay."""
    files = []
    for name in os.listdir(blobs):
        found = os.stat(os.path.join(blobs, name))
        files.append((found.st_mtime, found.st_size, name))
    excess = sum(size for _, size, _ in files) - keep_bytes
    for _, size, name in sorted(files):
        if excess <= 0:
            return
        if os.path.basename(sys.argv[0]) != name:
            os.unlink(os.path.join(blobs, name))
            excess -= size
