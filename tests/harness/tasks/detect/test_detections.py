from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DatasetError
from harness.tasks.detect.coco import coco_accuracy
from harness.tasks.detect.detections import ImageDetections, concatenated, from_coco, ground_truth, join, to_coco
from tests.harness.tasks.detect.synthetic import random_dataset, random_detections


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_the_list_on_disk_gives_back_every_bit_of_every_detection(seed: int) -> None:
    random = np.random.default_rng(seed)
    dataset = random_dataset(random, 8, 3)
    detections = random_detections(random, dataset)
    again = from_coco(json.loads(json.dumps(to_coco(detections))), dataset)
    for name in ("images", "boxes", "scores", "classes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(detections, name))
    assert coco_accuracy(again, dataset) == coco_accuracy(detections, dataset)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_detections_of_parts_are_those_of_the_whole(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    dataset = random_dataset(random, 8, 3)
    whole = random_detections(random, dataset)
    rows = whole.images < cut
    first, last = (
        replace(whole, images=whole.images[own] - start, boxes=whole.boxes[own], scores=whole.scores[own],
                classes=whole.classes[own])
        for own, start in ((rows, 0), (~rows, cut))
    )  # fmt: skip
    assert coco_accuracy(concatenated([(first, cut), (last, 8 - cut)]), dataset) == coco_accuracy(whole, dataset)


def test_ids_start_at_1_and_boxes_are_x_y_w_h(random: np.random.Generator) -> None:
    nothing = ImageDetections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    found = ImageDetections(np.array([[0.1004, 2, 0.4, 8]]), np.array([0.12345678]), np.array([1]))
    assert to_coco(join([nothing, found])) == [{"image_id": 2, "category_id": 2, "bbox": [0.1, 2, 0.3, 6], "score": 0.123457}]


def test_the_ground_truth_has_every_box_under_the_same_ids(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 5, 3)
    truth = ground_truth(dataset)
    assert [image["id"] for image in truth["images"]] == [1, 2, 3, 4, 5]
    assert [category["name"] for category in truth["categories"]] == list(dataset.class_names)
    assert len(truth["annotations"]) == dataset.box_count
    assert all(annotation["id"] > 0 for annotation in truth["annotations"])


def test_no_detections_are_a_list_without_rows(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 5, 3)
    assert to_coco(join([])) == []
    assert len(from_coco([], dataset)) == 0


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"image_id": 99}, "names image 99"),
        ({"image_id": 0}, "names image 0"),
        ({"category_id": 4}, "names class 4"),
        ({"bbox": [1, 2]}, "cannot be read"),
        ({"score": "high"}, "cannot be read"),
        ({"bbox": None}, "cannot be read"),
    ],
)
def test_a_list_that_is_broken_or_of_other_data_is_refused(
    random: np.random.Generator, broken: dict[str, object], says: str
) -> None:
    dataset = random_dataset(random, 5, 3)
    row = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}
    with pytest.raises(DatasetError, match=says) as error:
        from_coco([row, {**row, **broken}], dataset)
    assert error.value.expected
