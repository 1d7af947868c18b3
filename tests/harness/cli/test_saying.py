"""What commands print moves no cursor, whatever is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.table import Table

from harness.cli.saying import cell, say, wide_console
from harness.report.safe_console import SafeConsole
from tests.checkout import CHECKOUT

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
    wide_console().print(table)
    printed = capsys.readouterr().out
    assert printed.count("[bold]e") == 3
    assert not set(printed) & {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\x08"}


def test_commands_and_reports_have_no_other_way_to_print() -> None:
    sources = [*(CHECKOUT / "harness" / "cli").glob("*.py"), *(CHECKOUT / "harness" / "report").rglob("*.py")]
    ways = re.compile(r"click\.s?echo|\bprint\(|(?<!Safe)(?<!\w)Console\(|sys\.std(?:out|err)\.write")
    own = {"saying.py", "safe_console.py"}
    found = {
        path.name for path in sources if path.name not in own and not path.stem.endswith("_page") and ways.search(_code(path))
    }
    assert found == set()


def _code(path: Path) -> str:
    return re.sub(r"console\.print\(|self\._?console\.print\(", "", path.read_text("utf-8"))


def test_a_name_of_a_file_reaches_a_terminal_only_as_text(capfd: pytest.CaptureFixture[str]) -> None:
    console = SafeConsole(force_terminal=True, width=80)
    console.print(f"[bold]\x1b]0;title\x07{HOSTILE[:5]}[/bold]", "\u202e", "\x9b2J")
    printed = capfd.readouterr().out
    assert "\x1b[1m" in printed  # our own bold
    assert "\x1b]" not in printed
    assert not set(printed) & {"\x07", "\u202e", "\x9b"}
