"""JSON that others wrote is read strictly: what cannot be kept or written again is refused with ValueError."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.json_text import keepable, parse_json, read_json

HOSTILE = (
    "NaN", "[Infinity]", "-Infinity", "1e999", "9" * 400, "-" + "1" * 21, r'"\u0000"', r'"\ud800"', r'"\udc00\ud800"',
    r'["\\\ud83d"]', "[" * 100_000, '{"a":' * 100_000, "", "{", '{"a": 1,}', "\ufeff{}",
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=1)), below),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)


@given(VALUES, st.booleans())
def test_what_was_written_is_read_as_it_was(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only)) == value


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert parse_json(r'"\\u0000"') == r"\u0000"
    assert parse_json(r'"\ud83d\ude00"') == "\U0001f600"


def test_a_pipe_is_not_waited_for_and_a_huge_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read_json(tmp_path / "pipe")
    (tmp_path / "big").write_text("[1, 2]")
    with pytest.raises(OSError, match="6 bytes, more than 5"):
        read_json(tmp_path / "big", 5)


def test_names_of_files_that_are_no_text_can_be_kept() -> None:
    assert keepable("a\0b\udcffc\ud800") == "a\\x00b\\xffc\\x00"
    assert keepable("größe") == "größe"
