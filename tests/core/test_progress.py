"""Who has no listener is told on stderr, where results are not."""

from __future__ import annotations

import pytest

from core.progress import Notice, notice, on_stderr, to_nobody


def test_words_without_a_listener_go_to_stderr_and_not_among_results(capsys: pytest.CaptureFixture[str]) -> None:
    on_stderr("making it anew")
    to_nobody("nothing")
    assert capsys.readouterr() == ("", "making it anew\n")


def test_a_notice_is_told_and_kept_for_the_end() -> None:
    said: list[str] = []
    with pytest.warns(Notice, match="made anew"):
        notice("made anew", said.append)
    assert said == ["made anew"]
