"""What reaches a terminal of text from elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("model/conv2d;é 图", "model/conv2d;é 图"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("evil\u202etxt.exe", r"evil\u202etxt.exe"),
        ("\x9b2J", r"\x9b2J"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_of_our_own_messages_may_stay() -> None:
    assert printable("a\n\x1bb", keep="\n") == "a\n\\x1bb"


@given(st.text())
def test_nothing_that_moves_a_cursor_is_left(text: str) -> None:
    assert not set(printable(text)) & {"\x1b", "\x9b", "\x07", "\n", "\r", "\u202e", "\u2066"}
