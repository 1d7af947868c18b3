"""Whether processes that tests started have ended."""

from __future__ import annotations

import time

import psutil

LONGEST_S = 5.0


def gone(pid: int) -> bool:
    """Whether a process has ended, now or within five seconds; one that only waits to be reaped has."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
