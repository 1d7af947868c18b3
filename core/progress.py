"""Who is told what is going on: one kind of listener for everything that takes long."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

Progress = Callable[[str], None]
"""Takes one line in plain words, such as "calibrating on 64 images"."""


def on_stderr(text: str) -> None:
    """Say it where results are not: for whoever has no listener."""
    sys.stderr.write(f"{text}\n")


class Notice(UserWarning):
    """Something that must not get lost with the line that a terminal overwrites: pytest lists it at its end."""


def notice(text: str, tell: Progress) -> None:
    """Say it, and keep it for whoever lists warnings when all is done."""
    tell(text)
    warnings.warn(text, Notice, stacklevel=3)


def to_nobody(text: str) -> None:
    """Say nothing."""
