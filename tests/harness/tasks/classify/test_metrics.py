"""The arithmetic of classification is scikit-learn's, and its intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from harness.tasks.classify.metrics import area_under_curve, bootstrap, confusion, paired, plain, ranks, share_within

CLASSES, COUNT = 7, 300


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties only by chance, and labels that they are right about half the time."""
    random = np.random.default_rng(7)
    labels = random.integers(0, CLASSES, COUNT)
    scores = random.random((COUNT, CLASSES)).astype(np.float32)
    scores[np.arange(COUNT), labels] += 0.3
    return scores, labels


@pytest.mark.parametrize("most", [1, 2, 5])
def test_top_k_is_that_of_scikit_learn(answers: tuple[np.ndarray, np.ndarray], most: int) -> None:
    judge = pytest.importorskip("sklearn.metrics")
    scores, labels = answers
    ours = plain(share_within(scores, labels, most), COUNT)
    assert ours == pytest.approx(judge.top_k_accuracy_score(labels, scores, k=most), abs=1e-12)


def test_the_confusion_and_the_recalls_in_it_are_those_of_scikit_learn(answers: tuple[np.ndarray, np.ndarray]) -> None:
    judge = pytest.importorskip("sklearn.metrics")
    scores, labels = answers
    table = confusion(scores, labels)
    np.testing.assert_array_equal(table, judge.confusion_matrix(labels, scores.argmax(axis=1)))
    recalls = judge.recall_score(labels, scores.argmax(axis=1), average=None)
    np.testing.assert_allclose(table.diagonal() / table.sum(axis=1), recalls)


@pytest.mark.parametrize("levels", [1000, 9], ids=["few ties", "many ties"])
def test_the_area_under_the_curve_is_that_of_scikit_learn_with_and_without_weights(levels: int) -> None:
    judge = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(3)
    positive = random.random(COUNT) < 0.3
    scores = np.round((random.normal(size=COUNT) + positive) * levels / 6).astype(np.float64)
    area = area_under_curve(scores, positive)
    assert plain(area, COUNT) == pytest.approx(judge.roc_auc_score(positive, scores), abs=1e-12)
    weights = random.integers(0, 4, (1, COUNT))
    expected = judge.roc_auc_score(positive, scores, sample_weight=weights[0])
    assert area(weights)[0] == pytest.approx(expected, abs=1e-12)


def test_of_equal_scores_the_lower_class_stands_first() -> None:
    scores = np.array([[0.5, 0.5, 0.1]] * 3, np.float32)
    np.testing.assert_array_equal(ranks(scores, np.array([0, 1, 2])), [0, 1, 2])


def test_an_interval_is_that_of_the_binomial_and_the_same_seed_repeats_it() -> None:
    labels = np.zeros(400, np.int64)
    scores = np.tile(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32), (100, 1))
    found = bootstrap(share_within(scores, labels, 1), 400)
    assert found.difference == 0.75
    half = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.008)
    assert bootstrap(share_within(scores, labels, 1), 400) == found


def test_inputs_that_are_hard_for_both_graphs_are_no_part_of_their_difference(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    scores, labels = answers
    right = share_within(scores, labels, 1)
    found = paired(right, right, COUNT)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_one_kind_alone_has_no_area() -> None:
    assert np.isnan(plain(area_under_curve(np.arange(4.0), np.ones(4, bool)), 4))
