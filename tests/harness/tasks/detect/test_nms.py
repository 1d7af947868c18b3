"""Non-maximum suppression keeps what comparing one by one keeps.

Covers harness.tasks.detect.overlap.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.detect.decode import Candidates
from harness.tasks.detect.nms import Selection, suppress


def random_candidates(seed: int, count: int, classes: int = 3) -> Candidates:
    """Crowded boxes with many equal scores, several classes per anchor."""
    random = np.random.default_rng(seed)
    low = random.uniform(0, 20, (count, 2))
    boxes = np.concatenate([low, low + random.uniform(5, 20, (count, 2))], 1).astype(np.float32)
    scores = np.round(random.uniform(0, 1, count), 1).astype(np.float32)
    return Candidates(boxes, scores, random.integers(0, classes, count), random.integers(0, max(count // 2, 1), count))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    inside = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return float(inside / (sum(areas) - inside))


def naive(candidates: Candidates, iou: float) -> list[int]:
    """One candidate at a time, best score first, against every one that stays."""
    kept: list[int] = []
    for i in sorted(range(len(candidates.scores)), key=lambda i: (-candidates.scores[i], i)):
        same = [k for k in kept if candidates.classes[k] == candidates.classes[i]]
        if all(overlap(candidates.boxes[k].astype(float), candidates.boxes[i].astype(float)) <= iou for k in same):
            kept.append(i)
    return kept


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60), st.sampled_from([0.31, 0.45, 0.7]))
def test_what_stays_is_what_one_by_one_comparison_keeps(seed: int, count: int, iou: float) -> None:
    candidates = random_candidates(seed, count)
    assert suppress(candidates, iou).tolist() == naive(candidates, iou)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12))
def test_at_most_the_limit_stays_and_it_is_the_best(seed: int, limit: int) -> None:
    candidates = random_candidates(seed, 60)
    assert suppress(candidates, 0.7, limit).tolist() == naive(candidates, 0.7)[:limit]


def test_a_box_on_top_of_another_of_a_different_class_stays() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 2, np.float32)
    candidates = Candidates(boxes, np.array([0.9, 0.8], np.float32), np.array([0, 1]), np.array([0, 1]))
    assert suppress(candidates, 0.5).tolist() == [0, 1]


def test_an_empty_image_has_no_detections() -> None:
    empty = random_candidates(0, 0)
    assert len(Selection(0.25, 0.45, best_class_only=True).choose(empty).scores) == 0
    assert len(Selection(0.25, 0.45, best_class_only=False).choose(empty).scores) == 0


def test_a_selection_leaves_out_low_scores_and_second_classes_as_told() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 3 + [[20, 20, 30, 30]], np.float32)
    scores = np.array([0.9, 0.8, 0.2, 0.25], np.float32)
    candidates = Candidates(boxes, scores, np.array([0, 1, 2, 0]), np.array([5, 5, 5, 6]))
    assert Selection(0.25, 0.5, best_class_only=False).choose(candidates).scores.tolist() == scores[:2].tolist()
    assert Selection(0.25, 0.5, best_class_only=True).choose(candidates).scores.tolist() == scores[:1].tolist()


def test_an_end_to_end_head_keeps_boxes_that_lie_on_each_other_and_each_class_of_a_box() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 3, np.float32)
    scores = np.array([0.2, 0.9, 0.8], np.float32)
    candidates = Candidates(boxes, scores, np.array([0, 0, 1]), np.array([0, 1, 1]))
    found = Selection(confidence=0.1, iou=0.5, best_class_only=True).rank(candidates)
    np.testing.assert_array_equal(found.scores, np.array([0.9, 0.8, 0.2], np.float32))


def test_the_best_300_boxes_of_an_end_to_end_head_stay_and_of_their_classes_the_best_300() -> None:
    count = 400
    scores = np.linspace(0.9, 0.1, count).astype(np.float32)
    first = Candidates(np.zeros((count, 4), np.float32), scores, np.zeros(count, int), np.arange(count))
    second = Candidates(first.boxes, scores - np.float32(0.05), np.ones(count, int), first.anchors)
    both = Candidates(*(np.concatenate(pair) for pair in zip(vars(first).values(), vars(second).values(), strict=True)))
    found = Selection(confidence=0.01, iou=0.5, best_class_only=True).rank(both)
    assert len(found.scores) == 300
    kept = [row for row in range(2 * count) if both.anchors[row] < 300]
    np.testing.assert_array_equal(found.scores, np.sort(both.scores[kept])[::-1][:300])
