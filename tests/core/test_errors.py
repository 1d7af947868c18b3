"""What an error says is fit for a terminal and holds no secret, and it survives the trip between processes."""

from __future__ import annotations

import pickle

from core.errors import RunError, UsageError


def test_an_error_moves_no_cursor_and_sets_no_title() -> None:
    error = UsageError("no run `\x1b]0;title\x07\x9b2J\u202e`", "one line\nand another")
    assert not set(str(error)) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert str(error).count("\n") == 2


def test_an_error_shows_no_password() -> None:
    error = UsageError("`postgresql://me:canary@host/db` is no URL", hint="--history postgresql://me:canary@host/db")
    assert "canary" not in str(error) + error.found + error.hint + repr(error)


def test_an_error_is_the_same_in_another_process() -> None:
    error = RunError("found\x07", "expected", "hint")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.hint) == (str(error), "hint")
