"""Processes that use a cache: each prints what it sees, line by line, for the test that started it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import CHECKOUT

BEGINNING = """
    import sys, time
    from pathlib import Path
    from core.cache import entry

    def make(folder):
        (folder / "file").write_text("made" * 1000)

"""


@contextlib.contextmanager
def child(script: str, cache: Path) -> Iterator[subprocess.Popen[str]]:
    """A Python process with `entry` and a plain `make` at hand; killed at the end."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "ETHOS_BENCH_CACHE": str(cache)}
    command = [sys.executable, "-c", textwrap.dedent(BEGINNING) + textwrap.dedent(script)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a child prints."""
    assert process.stdout
    return process.stdout.readline().strip()
