"""How far a session is: stage, model of how many, and the time that the rest may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pytest_plugin.session_progress import SessionProgress, Step, duration, remember_means, remembered_means

MODELS = ("base", "small")
STEPS = [Step(stage, model) for stage in ("offload", "execution") for model in MODELS]


def test_the_time_left_is_that_of_tests_of_the_same_stage_and_more_where_a_stage_is_not_known_yet() -> None:
    progress = SessionProgress(STEPS, MODELS)
    assert progress.where(STEPS[0]) == "offload, model 1 of 2"
    progress.finished(STEPS[0], 20.0)
    assert progress.where(STEPS[1]) == "offload, model 2 of 2, more than 20 s left"
    progress.finished(STEPS[1], 40.0)
    progress.finished(STEPS[2], 300.0)
    assert progress.where(STEPS[3]) == "execution, model 2 of 2, about 5 min left"
    assert progress.where(STEPS[3], short=True) == "execution 2/2, ~5 min"


def test_what_an_earlier_session_took_counts_until_this_one_knows_better(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    assert remembered_means() == {}
    remember_means({"offload": 3.0, "execution": 60.0})
    remember_means({"offload": 5.0})
    progress = SessionProgress(STEPS, MODELS, remembered_means())
    assert progress.where(STEPS[0]) == "offload, model 1 of 2, about 2 min left"
    progress.finished(STEPS[0], 3600.0)
    assert progress.where(STEPS[1]) == "offload, model 2 of 2, about 1 h 2 min left"


@pytest.mark.parametrize(
    "content", ["", "[1]", '{"offload": "x"}', '{"offload": null}', "\ud800".encode("utf-8", "replace").decode()]
)
def test_what_cannot_be_read_is_not_remembered(content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    (tmp_path / "stage-seconds.json").write_text(content)
    assert remembered_means() == {}


def test_statements_about_all_models_and_the_end_have_no_number_and_no_time() -> None:
    progress = SessionProgress([Step("claims")], MODELS)
    assert progress.where(Step("claims")) == "claims"


def test_a_duration_is_said_as_a_person_says_it() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.4, 59.6, 61, 3600, 7500)] == [
        "0 s", "59 s", "1 min", "1 min", "1 h 0 min", "2 h 5 min",
    ]  # fmt: skip
