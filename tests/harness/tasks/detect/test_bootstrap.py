from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.detect.bootstrap import _mean_average_precision, _rank, bootstrap_difference
from harness.tasks.detect.coco import MAX_PER_CLASS, coco_accuracy
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections, ImageDetections, join
from harness.tasks.detect.labels import Boxes
from tests.harness.tasks.detect.synthetic import random_dataset, random_detections

NOTHING = (np.zeros(0), np.zeros(0, np.int64))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_the_point_estimate_is_the_difference_of_faster_coco_eval(seed: int) -> None:
    random = np.random.default_rng(seed)
    dataset = random_dataset(random, 12, 3)
    first, second = random_detections(random, dataset, 1), random_detections(random, dataset, 4)
    interval = bootstrap_difference(first, second, dataset, resamples=2)
    expected = coco_accuracy(first, dataset).map50_95 - coco_accuracy(second, dataset).map50_95
    assert interval.difference == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_an_image_drawn_twice_counts_as_the_image_standing_twice(seed: int) -> None:
    random = np.random.default_rng(seed)
    dataset = random_dataset(random, 10, 3)
    detections = with_distinct_scores(random, random_detections(random, dataset))
    drawn = np.concatenate([[0], random.integers(0, 10, 9)])
    found = [
        ImageDetections(detections.boxes[chosen], detections.scores[chosen], detections.classes[chosen])
        for chosen in (detections.images == image for image in drawn)
    ]
    standing = Dataset(dataset.name, dataset.class_names, tuple(dataset.images[i] for i in drawn), len(drawn))
    weights = np.bincount(drawn, minlength=10)[None]
    resampled = _mean_average_precision(_rank(detections, dataset), weights)[0]
    assert resampled == pytest.approx(coco_accuracy(join(found), standing).map50_95, abs=1e-9)


def test_a_class_that_a_resample_lacks_does_not_count_in_it() -> None:
    dataset = random_dataset(np.random.default_rng(5), 2, 1)
    rare = replace(dataset.images[1], labels=Boxes(np.array([1]), np.array([[0.0, 0, 9, 9]])))
    pair = Dataset("pair", ("usual", "rare"), (dataset.images[0], rare), 2)
    usual = dataset.images[0].labels
    found = join(
        [
            ImageDetections(usual.corners, np.ones(len(usual.classes)), usual.classes),
            ImageDetections(np.zeros((0, 4)), *NOTHING),
        ]
    )
    means = _mean_average_precision(_rank(found, pair), np.array([[1, 1], [2, 0]]))
    assert means.tolist() == pytest.approx([0.5, 1])


def with_distinct_scores(random: np.random.Generator, found: Detections) -> Detections:
    """Equal scores are ranked by image, and a repeated image has no one rank."""
    return Detections(found.images, found.boxes, random.permutation(len(found)) / len(found), found.classes)


def test_detections_beyond_100_of_a_class_in_an_image_do_not_count() -> None:
    dataset = random_dataset(np.random.default_rng(3), 1, 1)
    box = dataset.images[0].labels.corners[:1]
    wrong = np.tile([[90.0, 70, 95, 75]], (MAX_PER_CLASS, 1))
    scores = np.linspace(0.9, 0.5, MAX_PER_CLASS + 1)
    late = join([ImageDetections(np.concatenate([wrong, box]), scores, np.zeros(MAX_PER_CLASS + 1, np.int64))])
    assert bootstrap_difference(late, join([]), dataset, resamples=1).difference == coco_accuracy(late, dataset).map50_95 == 0


def test_the_same_detections_differ_by_nothing(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 10, 3)
    detections = random_detections(random, dataset)
    interval = bootstrap_difference(detections, detections, dataset, resamples=100)
    assert (interval.difference, interval.low, interval.high) == (0, 0, 0)


def test_the_same_seed_gives_the_same_interval_and_another_another(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 20, 3)
    first, second = random_detections(random, dataset, 1), random_detections(random, dataset, 4)
    intervals = [bootstrap_difference(first, second, dataset, resamples=120, seed=seed) for seed in (1, 1, 2)]
    assert intervals[0] == intervals[1] != intervals[2]
    assert (intervals[0].level, intervals[0].resamples, intervals[0].seed) == (0.95, 120, 1)


def test_a_clear_loss_is_told_from_chance_and_a_small_one_is_not(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 150, 3)
    good, same, worse = (random_detections(random, dataset, noise) for noise in (1.0, 1.0, 4.0))
    clear = bootstrap_difference(good, worse, dataset, resamples=200)
    assert 0 < clear.low < clear.difference < clear.high
    chance = bootstrap_difference(good, same, dataset, resamples=200)
    assert chance.low < 0 < chance.high


def test_order_of_the_two_sets_turns_the_sign(random: np.random.Generator) -> None:
    dataset = random_dataset(random, 20, 3)
    first, second = random_detections(random, dataset, 1), random_detections(random, dataset, 4)
    one, other = (bootstrap_difference(*pair, dataset, resamples=50) for pair in ((first, second), (second, first)))
    assert one.low == pytest.approx(-other.high)
    assert one.high == pytest.approx(-other.low)


def test_a_data_set_of_one_image_and_no_detections_has_an_interval() -> None:
    dataset = random_dataset(np.random.default_rng(3), 1, 1)
    nothing: Detections = join([])
    assert bootstrap_difference(nothing, nothing, dataset, resamples=5).high == 0
