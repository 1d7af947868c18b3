from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.image_form import Sides
from harness.tasks.detect.decode import decode
from harness.tasks.detect.layout import SCALES, BoxUnit, Layout, anchor_count, find_layout, grids
from harness.tasks.runtimes import Floats

SIZE, CLASSES = 64, 3
STRIDES = SCALES[0]

Row = tuple[int, int, float, float, float, float, float]
"""anchor, class, score, x1, y1, x2, y2"""


def raw_maps(
    random: np.random.Generator,
    channels_last: bool = True,
    sides: Sides = (SIZE, SIZE),
    strides: tuple[int, ...] = STRIDES,
) -> list[Floats]:
    """Box and class maps of every scale with logits around the threshold."""
    maps: list[Floats] = []
    for grid in grids(sides, strides):
        maps.append(random.normal(0, 3, (1, *grid, 64)).astype(np.float32))
        maps.append(random.normal(-3, 3, (1, *grid, CLASSES)).astype(np.float32))
    return maps if channels_last else [np.ascontiguousarray(each.transpose(0, 3, 1, 2)) for each in maps]


def layout_of(outputs: list[Floats], box_unit: BoxUnit = "auto") -> Layout:
    layout = find_layout([output.shape for output in outputs], CLASSES, SIZE, box_unit)
    assert isinstance(layout, Layout)
    return layout


def reference(maps: list[Floats], threshold: float, strides: tuple[int, ...] = STRIDES) -> list[Row]:
    """The definition, cell by cell in Python floats, of NHWC maps in scale order."""
    rows: list[Row] = []
    first = 0
    for scale, stride in enumerate(strides):
        _, rows_of_cells, columns, _ = maps[2 * scale].shape
        for y in range(rows_of_cells):
            for x in range(columns):
                sides = [expectation(maps[2 * scale][0, y, x, 16 * side : 16 * side + 16]) for side in range(4)]
                box = (x + 0.5 - sides[0], y + 0.5 - sides[1], x + 0.5 + sides[2], y + 0.5 + sides[3])
                for index, logit in enumerate(maps[2 * scale + 1][0, y, x]):
                    score = 1 / (1 + math.exp(-float(logit)))
                    if score > threshold:
                        x1, y1, x2, y2 = (side * stride for side in box)
                        rows.append((first + y * columns + x, index, score, x1, y1, x2, y2))
        first += rows_of_cells * columns
    return rows


def expectation(logits: Floats) -> float:
    weights = [math.exp(float(logit)) for logit in logits]
    return sum(bin_ * weight for bin_, weight in enumerate(weights)) / sum(weights)


def rows_of(outputs: list[Floats], layout: Layout, threshold: float) -> list[Row]:
    found = decode(outputs, layout, threshold)
    assert found.boxes.dtype == found.scores.dtype == np.float32
    table = zip(found.anchors.tolist(), found.classes.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True)
    return sorted((anchor, index, score, *box) for anchor, index, score, box in table)


@given(st.integers(0, 10**6), st.floats(0.001, 0.9), st.booleans(), st.permutations(range(6)))
def test_raw_maps_decode_as_defined_in_any_order_and_axis_order(
    seed: int, threshold: float, channels_last: bool, order: list[int]
) -> None:
    expected = reference(raw_maps(np.random.default_rng(seed)), threshold)
    maps = raw_maps(np.random.default_rng(seed), channels_last)
    shuffled = [maps[i] for i in order]
    np.testing.assert_allclose(rows_of(shuffled, layout_of(shuffled), threshold), expected, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("strides", SCALES, ids=str)
@pytest.mark.parametrize("sides", [(64, 128), (128, 64)], ids=str)
@pytest.mark.parametrize("channels_last", [True, False], ids=["NHWC", "NCHW"])
def test_every_set_of_scales_is_decoded_on_canvases_that_are_not_square(
    sides: Sides, strides: tuple[int, ...], channels_last: bool
) -> None:
    expected = reference(raw_maps(np.random.default_rng(5), sides=sides, strides=strides), 0.4, strides)
    maps = raw_maps(np.random.default_rng(5), channels_last, sides, strides)
    layout = find_layout([output.shape for output in maps], CLASSES, sides)
    assert isinstance(layout, Layout)
    assert layout.strides == strides
    np.testing.assert_allclose(rows_of(maps, layout, 0.4), expected, rtol=2e-5, atol=2e-4)


def test_normalised_boxes_of_a_canvas_that_is_not_square_are_shares_of_its_width_and_height() -> None:
    anchors = anchor_count((64, 128))
    boxes, scores = np.full((1, 4, anchors), 0.5, np.float32), np.zeros((1, CLASSES, anchors), np.float32)
    scores[0, 1, 7] = 0.9
    layout = find_layout([boxes.shape, scores.shape], CLASSES, (64, 128))
    assert isinstance(layout, Layout)
    assert decode([boxes, scores], layout, 0.5).boxes.tolist() == [[32, 16, 96, 48]]


@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.sampled_from(["auto", "explicit"]))
def test_decoded_outputs_mean_the_same_in_every_form(seed: int, fused: bool, normalised: bool, how: str) -> None:
    random = np.random.default_rng(seed)
    centres, sizes = random.uniform(0, SIZE, (2, 84)), random.uniform(1, 20, (2, 84))
    centres[0, 0] = SIZE - 1  # some anchor of a real grid always reaches the edge
    scores = random.uniform(0, 1, (CLASSES, 84)).astype(np.float32)
    boxes = (np.concatenate([centres, sizes]) / (SIZE if normalised else 1)).astype(np.float32)
    outputs = [np.concatenate([boxes, scores])[None]] if fused else [boxes[None], scores[None]]
    unit: BoxUnit = "auto" if how == "auto" else "normalised" if normalised else "pixels"
    found = rows_of(outputs, layout_of(outputs, unit), 0.5)
    expected = [
        (anchor, index, scores[index, anchor], *(centres[:, anchor] - sizes[:, anchor] / 2), *(centres + sizes / 2)[:, anchor])
        for anchor in range(84)
        for index in range(CLASSES)
        if scores[index, anchor] > 0.5
    ]
    np.testing.assert_allclose(np.array(found).reshape(-1, 7), np.array(expected).reshape(-1, 7), rtol=1e-5, atol=1e-4)


def test_a_score_equal_to_the_threshold_does_not_pass() -> None:
    maps = [np.zeros_like(each) for each in raw_maps(np.random.default_rng(0))]
    assert len(rows_of(maps, layout_of(maps), 0.5)) == 0
    assert len(rows_of(maps, layout_of(maps), 0.4999)) == 84 * CLASSES


@pytest.mark.filterwarnings("error")
def test_enormous_logits_do_not_overflow() -> None:
    maps = [np.full_like(each, 1e4 if i % 2 else -1e4) for i, each in enumerate(raw_maps(np.random.default_rng(0)))]
    found = rows_of(maps, layout_of(maps), 0.25)
    assert len(found) == 84 * CLASSES
    assert np.isfinite(found).all()


@given(st.integers(0, 10**6))
def test_best_class_keeps_each_box_once_under_its_best_score(seed: int) -> None:
    maps = raw_maps(np.random.default_rng(seed))
    found = decode(maps, layout_of(maps), 0.05)
    best = found.best_class()
    assert len(set(best.anchors.tolist())) == len(best.anchors) == len(set(found.anchors.tolist()))
    for anchor, score in zip(best.anchors, best.scores, strict=True):
        assert score == found.scores[found.anchors == anchor].max()


def ranked(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> Floats:
    """Detections as an end-to-end head gives them, followed by padding."""
    rows = np.concatenate([boxes, scores[:, None], classes[:, None]], 1).astype(np.float32)
    return np.concatenate([rows, np.zeros((5, 6), np.float32)])[None]


@pytest.mark.parametrize("normalised", [False, True], ids=["pixels", "normalised"])
@pytest.mark.parametrize("form", ["ranked", "ssd"])
def test_final_detections_are_taken_as_they_are(form: str, normalised: bool) -> None:
    boxes = np.array([[4, 2, 40, 32], [10, 20, 30, 60], [1, 1, 2, 2]], np.float64)
    scores, classes = np.array([0.9, 0.5, 0.01]), np.array([1, 0, 1])
    if form == "ranked":
        outputs = [ranked(boxes / (SIZE if normalised else 1), scores, classes)]
    else:
        parts = [(boxes[None][..., [1, 0, 3, 2]] / SIZE), classes[None], scores[None], np.array([3])]
        outputs = [each.astype(np.float32) for each in parts]
    layout = layout_of(outputs)
    assert (layout.kind, layout.end_to_end) == (form, True)
    found = decode(outputs, layout, 0.05)
    np.testing.assert_allclose(found.boxes, boxes[:2], atol=1e-4)
    np.testing.assert_allclose(found.scores, scores[:2], rtol=1e-6)
    assert found.classes.tolist() == [1, 0]


def test_only_as_many_of_an_ssds_detections_count_as_it_says() -> None:
    outputs = [np.full((1, 10, 4), 0.5), np.zeros((1, 10)), np.full((1, 10), 0.9), np.array([4])]
    found = [each.astype(np.float32) for each in outputs]
    assert len(decode(found, layout_of(found), 0.1).scores) == 4


def test_a_head_without_a_distribution_gives_the_four_distances_themselves() -> None:
    maps: list[Floats] = []
    for stride in STRIDES:
        side = SIZE // stride
        maps += [np.zeros((1, side, side, 4), np.float32), np.full((1, side, side, CLASSES), -9, np.float32)]
    maps[2][0, 1, 2] = [0.5, 1, 1.5, 2]
    maps[3][0, 1, 2, 1] = 3
    layout = find_layout([each.shape for each in maps], CLASSES, SIZE)
    assert isinstance(layout, Layout)
    assert (layout.bins, layout.end_to_end) == (1, True)
    found = decode(maps, layout, 0.5)
    stride = STRIDES[1]
    assert found.boxes.tolist() == [[2 * stride, 0.5 * stride, 4 * stride, 3.5 * stride]]
