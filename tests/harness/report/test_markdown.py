"""Words in Markdown are words: no picture is fetched, nobody is called, nothing is linked, and no table ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.report.markdown import plain, row, text

HOSTILE = (
    "![x](https://evil.example/p.png)", "[click](javascript:alert(1))", "<img src=x onerror=alert(1)>", "<https://evil.example>",
    "https://evil.example", "www.evil.example", "a@b.example", "**bold**", "`code`", "~~gone~~", "# heading", "- list",
    "1. list",
    "a | b", "---", "[ref]: https://evil.example", "&lt;b&gt;", "\\<b>", "_it_ __b__", "\x1b[2J", "\u202e", "> quote", "***",
)  # fmt: skip
READER = MarkdownIt("commonmark", {"linkify": False}).enable("table")
BLOCKS = {"paragraph_open", "paragraph_close", "inline"}
CELLS = {f"{tag}_{end}" for tag in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")} | {"inline"}


def kinds(written: str) -> tuple[set[str], set[str]]:
    """The kinds of blocks, and of what is in lines."""
    tokens = READER.parse(written)
    return {token.type for token in tokens}, {child.type for token in tokens for child in token.children or ()}


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_words(words: str) -> None:
    assert kinds(text(words))[0] <= BLOCKS
    assert kinds(text(words))[1] <= {"text"}
    assert not set(text(words)) & {"\x1b", "\u202e"}


@given(st.text())
def test_any_words_are_words_and_a_row_has_the_cells_that_it_was_given(words: str) -> None:
    blocks, parts = kinds(f"x {text(words)}")
    assert (blocks, parts) <= (BLOCKS, {"text"})
    table = f"| a | b |\n|---|---|\n{row(words, 'second')}\n"
    blocks, parts = kinds(table)
    assert blocks <= CELLS
    assert parts <= {"text"}
    assert READER.render(table).count("<td>") == 2


@pytest.mark.parametrize("words", ["@everyone", "#123", "GH-123", "owner/name#1", "https://x.example", "www.x.example"])
def test_nobody_is_called_and_nothing_is_linked(words: str) -> None:
    assert words not in text(words)
    assert text(words).replace("\u200b", "") == words


def test_names_of_ours_stay_as_they_are() -> None:
    for words in ("level3_leaky", "u65-256", "0.997", "+0.0080", "99.3 %", "ssh:imx93", "4 of 5 verdicts"):
        assert text(words) == words
    assert plain("a `b`\nc") == "a 'b' c"
