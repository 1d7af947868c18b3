from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records.unavailable import Unavailable
from harness.tasks.detect.accuracy import IOU_THRESHOLDS
from harness.tasks.detect.coco import coco_accuracy
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections, ImageDetections, join
from harness.tasks.detect.matching import ultralytics_rule
from harness.tasks.detect.ultralytics_ap import ultralytics_accuracy
from tests.harness.tasks.detect.synthetic import random_dataset, random_detections


def perfect(dataset: Dataset) -> Detections:
    return join(
        [
            ImageDetections(image.labels.corners, np.ones(len(image.labels.classes)), image.labels.classes)
            for image in dataset.images
        ]
    )


def test_the_truth_itself_scores_1_under_coco_and_995_under_8_3(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 20, 3)
    # 8.3 ends its curve at (1, 0): the last of the 101 heights is always 0, and half a step is lost.
    for judge, best in ((coco_accuracy, 1), (ultralytics_accuracy, 0.995)):
        accuracy = judge(perfect(dataset), dataset)
        assert accuracy.map50 == pytest.approx(best)
        assert accuracy.map50_95 == pytest.approx(best)


def test_no_detections_score_0_under_both_rules(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 5, 3)
    for accuracy in (coco_accuracy(join([]), dataset), ultralytics_accuracy(join([]), dataset)):
        assert (accuracy.map50, accuracy.map50_95) == (0, 0)


def test_a_class_without_boxes_has_no_figure_and_does_not_count(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 20, 2)
    wider = Dataset(dataset.name, (*dataset.class_names, "unseen"), dataset.images, dataset.of)
    for judge in (coco_accuracy, ultralytics_accuracy):
        accuracy = judge(perfect(wider), wider)
        assert accuracy.map50 == pytest.approx(1, abs=0.006)
        assert accuracy.map50_95 == pytest.approx(1, abs=0.006)
        assert isinstance(accuracy.per_class[2].ap50_95, Unavailable)
        assert [each.box_count for each in accuracy.per_class][2] == 0


def test_per_class_figures_average_to_the_mean_and_counts_to_all_boxes(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 30, 3)
    for judge in (coco_accuracy, ultralytics_accuracy):
        accuracy = judge(random_detections(random, dataset), dataset)
        values = [each.ap50_95 for each in accuracy.per_class if not isinstance(each.ap50_95, Unavailable)]
        assert np.mean(values) == pytest.approx(accuracy.map50_95)
        assert sum(each.box_count for each in accuracy.per_class) == dataset.box_count


def one_of_two() -> tuple[Dataset, Detections]:
    """Two true boxes of which one is found."""
    dataset = random_dataset(np.random.default_rng(0), 30, 1)
    image = next(image for image in dataset.images if len(image.labels.classes) == 2)
    pair = Dataset("pair", ("thing",), (image,), 1)
    return pair, join([ImageDetections(image.labels.corners[:1], np.array([0.9]), np.array([0]))])


def test_one_of_two_boxes_shows_how_the_rules_differ() -> None:
    dataset, detections = one_of_two()
    # COCO: 51 of 101 recalls at precision 1.  ultralytics 8.3: besides, a straight line from (.5, 1) to (1, 0).
    assert coco_accuracy(detections, dataset).map50 == pytest.approx(51 / 101)
    assert ultralytics_accuracy(detections, dataset).map50 == pytest.approx(0.75)


def test_ultralytics_gives_a_detection_no_second_choice() -> None:
    overlaps = np.array([[0.9, 0.6], [0.8, 0.7]])
    assert ultralytics_rule(overlaps)[:, 0].tolist() == [True, False]


def published_rule(overlaps: np.ndarray) -> np.ndarray:
    """8.3's procedure step by step: pairs by overlap, then each detection's first pair, then each box's first detection."""
    right = np.zeros((len(overlaps), len(IOU_THRESHOLDS)), bool)
    for column, threshold in enumerate(IOU_THRESHOLDS):
        pairs = [(overlaps[d, b], d, b) for d, b in zip(*np.nonzero(overlaps >= threshold), strict=True)]
        first_of_detection: dict[int, int] = {}
        for _, detection, box in sorted(pairs, key=lambda pair: -pair[0]):
            first_of_detection.setdefault(detection, box)
        taken: set[int] = set()
        for detection in sorted(first_of_detection):
            if first_of_detection[detection] not in taken:
                taken.add(first_of_detection[detection])
                right[detection, column] = True
    return right


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 5))
def test_matching_equals_8_3_step_by_step(seed: int, detections: int, boxes: int) -> None:
    overlaps = np.random.default_rng(seed).uniform(0.3, 1, (detections, boxes))
    np.testing.assert_array_equal(ultralytics_rule(overlaps), published_rule(overlaps))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_the_order_in_which_detections_stand_within_an_image_does_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    dataset = random_dataset(random, 6, 2)
    found = random_detections(random, dataset)
    distinct = Detections(found.images, found.boxes, random.permutation(len(found)) / len(found), found.classes)
    order = random.permutation(len(found))
    shuffled = Detections(distinct.images[order], distinct.boxes[order], distinct.scores[order], distinct.classes[order])
    assert ultralytics_accuracy(shuffled, dataset) == ultralytics_accuracy(distinct, dataset)
    assert coco_accuracy(shuffled, dataset) == coco_accuracy(distinct, dataset)
