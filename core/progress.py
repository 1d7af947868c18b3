"""Who is told what is going on: one kind of listener for everything that takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[str], None]
"""Takes one line in plain words, such as "calibrating on 64 images"."""


def on_stderr(text: str) -> None:
    """Say it where results are not: for whoever has no listener."""
    sys.stderr.write(f"{text}\n")


def to_nobody(text: str) -> None:
    """Say nothing."""
