"""What commands print moves no cursor, whatever is in it."""

from __future__ import annotations

import pytest
from rich.table import Table

from harness.cli.saying import cell, say, show

HOSTILE = "a\x1b]0;title\x07b\x9b2Jc\u202ed\r\x08[bold]e"


def test_a_line_is_printable_and_keeps_its_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"one\n\t{HOSTILE}")
    printed = capsys.readouterr().out
    assert printed.startswith("one\n\t")
    assert not set(printed) & {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\x08"}


def test_a_cell_is_printable_and_its_marks_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=cell(HOSTILE))
    table.add_column(cell(HOSTILE))
    table.add_row(cell(HOSTILE))
    show(table)
    printed = capsys.readouterr().out
    assert printed.count("[bold]e") == 3
    assert not set(printed) & {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\x08"}
