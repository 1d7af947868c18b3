"""How commands speak: every text that came from elsewhere is made printable, whether a line or a table."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from core.printable import printable
from harness.report.safe_console import SafeConsole

WIDTH = 132


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write a text of one or more lines; what would move a cursor or turn a line round is written out."""
    click.echo(printable(text, keep="\n\t"), err=err, nl=nl)


def cell(text: object) -> str:
    """A text as a cell or a title of a table: printable, on one line, and without rich's own marks."""
    return escape(printable(str(text)))


def wide_console() -> Console:
    """A console for tables: wide enough where the terminal says nothing of its width."""
    return SafeConsole(highlight=False, width=max(SafeConsole().width, WIDTH))
