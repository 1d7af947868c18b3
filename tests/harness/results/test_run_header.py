"""A run says when, where, and with which code and tools it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.installation import installation
from harness.results.run_header import run_header
from tests.harness.schema import problems


def test_two_runs_of_one_second_have_names_of_their_own() -> None:
    one, other = (run_header("ethos-bench run") for _ in range(2))
    assert one.id != other.id
    assert one.command == "ethos-bench run"


def test_outside_a_checkout_the_commit_is_unknown_and_the_header_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = replace(installation(), kind="pip")
    monkeypatch.setattr("harness.results.run_header.installation", lambda: elsewhere)
    found = run_header("ethos-bench run")
    assert (found.commit, found.dirty) == ("unknown", False)
    assert problems({"schema": 1, "run": found.to_json(), "records": [], "verdicts": [], "failures": []}) == []
