"""Accuracy in parts: the same figures as in one piece, and who is killed loses only the part at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.records.evidence import Evidence
from harness.explore import accuracy, work
from harness.explore.accuracy import judged_part, known_accuracy, part_count, scored, without_figures
from harness.explore.plan import ExploreOptions, planned
from harness.explore.requests import AccuracyRequest
from harness.tasks.detect.evaluate import detect
from tests.benchmarks import tiny

IMAGES = 20


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccuracyRequest:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    options = ExploreOptions(model=(tmp_path / "detector.tflite",), data=tiny.write_data(tmp_path / "data", IMAGES))
    return planned(options)[0].accuracy


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each inference of a part has gone through."""
    counts: list[int] = []

    def counted(graph: Any, dataset: Any, *rest: Any) -> Any:
        counts.append(dataset.count)
        return detect(graph, dataset, *rest)

    monkeypatch.setattr("harness.tasks.detect.judged.detect", counted)
    return counts


def part(request: AccuracyRequest, number: int, of: int) -> Any:
    return judged_part(request, (number, of), work.worker_identity())


def test_parts_give_the_figures_of_one_piece_to_the_last_bit(
    request_: AccuracyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: list[int]
) -> None:
    whole = scored(request_, [part(request_, 0, 1)], work.worker_identity())
    assert {one.metric for one in whole} >= {"map50", "map50_95"}
    assert {(one.graph, one.evidence) for one in whole} == {("int8", Evidence.HOST)}
    assert known_accuracy(request_) == whole
    for of in (3, 7):
        run.clear()
        monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / f"cache{of}"))
        assert known_accuracy(request_) is None
        assert scored(request_, [part(request_, number, of) for number in range(of)], work.worker_identity()) == whole
        assert (len(run), sum(run), max(run) - min(run)) == (of, IMAGES, 1)


def test_what_was_computed_before_a_worker_died_is_not_computed_again(request_: AccuracyRequest, run: list[int]) -> None:
    for number in (0, 2):
        part(request_, number, 4)
    run.clear()
    figures = scored(request_, [part(request_, number, 4) for number in range(4)], work.worker_identity())
    assert run == [IMAGES // 4] * 2
    assert known_accuracy(request_) == figures


def test_parts_are_several_for_a_worker_and_none_is_tiny(request_: AccuracyRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert part_count(request_, 4) == 1
    monkeypatch.setattr(accuracy, "LEAST_IMAGES", 2)
    assert [part_count(request_, workers) for workers in (1, 2, 100)] == [4, 8, 10]


def test_nothing_is_kept_of_what_could_not_be_had_this_time(request_: AccuracyRequest) -> None:
    assert scored(request_, [], work.worker_identity(), "the disk was slow") == ()
    reasons = {getattr(one.value, "reason", "") for one in without_figures(request_, "workers ended")}
    assert reasons == {"workers ended"}
    assert known_accuracy(request_) is None


def test_without_data_there_is_nothing_to_judge(request_: AccuracyRequest) -> None:
    assert known_accuracy(replace(request_, source=replace(request_.source, data=None))) == ()


def test_a_file_that_cannot_be_read_does_not_end_what_is_asked_of_others(request_: AccuracyRequest, tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(tiny.floats())
    options = ExploreOptions(model=(tmp_path / "broken.tflite",), data=request_.source.data)
    (broken,) = planned(options)
    assert known_accuracy(broken.accuracy) == ()
    assert work.converted(broken.source, work.worker_identity())
