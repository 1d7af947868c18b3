"""Detections are kept by content, and the settings that decide which boxes count are part of it as values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conversion.pipeline import model_file
from core.records.unavailable import Unavailable
from harness.tasks.detect import evaluate, nms
from harness.tasks.detect.dataset import Dataset, load_dataset
from harness.tasks.detect.judged import Detected, detected, joined
from harness.tasks.detect.nms import Selection
from tests.benchmarks import tiny

STRICT = Selection(confidence=0.999, iou=0.01, best_class_only=True)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    return load_dataset(tiny.write_data(tmp_path / "data", images=2))


def find(tmp_path: Path, dataset: Dataset) -> Detected:
    found = detected(model_file(tmp_path / "detector.tflite"), None, dataset, 1, lambda _: None)
    assert not isinstance(found, Unavailable)
    return found


def test_another_selection_gives_detections_of_its_own_and_not_the_cached_ones(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find(tmp_path, dataset)
    assert len(first.coco.scores) > 0
    monkeypatch.setattr(evaluate, "COCO_SELECTION", STRICT)
    second = find(tmp_path, dataset)
    assert second.folder != first.folder
    assert len(second.coco.scores) == 0
    assert len(second.published.scores) == len(first.published.scores)


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (evaluate, "PUBLISHED_SELECTION", STRICT),
        (evaluate, "PUBLISHED_MARGIN", 8),
        (nms, "MAX_CANDIDATES", 10),
        (nms, "MAX_DETECTIONS", 3),
    ],
)
def test_every_setting_that_decides_which_boxes_count_is_part_of_the_key(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, where: object, name: str, value: object
) -> None:
    first = find(tmp_path, dataset)
    monkeypatch.setattr(where, name, value)
    assert find(tmp_path, dataset).folder != first.folder


def test_the_same_settings_are_the_same_entry(tmp_path: Path, dataset: Dataset) -> None:
    assert find(tmp_path, dataset).folder == find(tmp_path, dataset).folder


def test_parts_together_are_the_whole_to_the_last_bit(tmp_path: Path, dataset: Dataset) -> None:
    dataset = load_dataset(tiny.write_data(tmp_path / "more", images=5))
    whole = find(tmp_path, dataset)
    together = joined([find(tmp_path, dataset.take(part)) for part in ((0, 1), (2,), (3, 4))], dataset)
    assert len(set(whole.coco.images.tolist())) == 5
    assert together.figures() == whole.figures()
    for one, other in ((together.coco, whole.coco), (together.published, whole.published)):
        assert all(
            np.array_equal(getattr(one, name), getattr(other, name)) for name in ("images", "boxes", "scores", "classes")
        )
    assert together.kept.read_bytes() == whole.kept.read_bytes()
