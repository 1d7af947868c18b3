from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.unavailable import Unavailable
from harness.tasks.detect.layout import SCALES, Layout, anchor_count, find_layout

Shapes = list[tuple[int, ...]]


def raw_shapes(class_count: int, size: int, channels_last: bool) -> Shapes:
    grids = [size // stride for stride in (8, 16, 32)]
    pairs = [(grid, channels) for grid in grids for channels in (64, class_count)]
    return [(1, grid, grid, channels) if channels_last else (1, channels, grid, grid) for grid, channels in pairs]


@given(st.permutations(range(6)), st.sampled_from([1, 15, 20, 40, 80]), st.sampled_from([320, 512, 640]), st.booleans())
def test_raw_maps_are_found_in_any_order(order: list[int], class_count: int, size: int, channels_last: bool) -> None:
    shapes = raw_shapes(class_count, size, channels_last)
    layout = find_layout([shapes[i] for i in order], class_count, size)
    assert isinstance(layout, Layout)
    assert (layout.kind, layout.channels_last) == ("raw", channels_last)
    assert [order[position] for position in layout.order] == [0, 1, 2, 3, 4, 5]


def test_with_64_classes_the_box_map_is_the_first_of_each_scale() -> None:
    layout = find_layout(raw_shapes(64, 640, True), 64, 640)
    assert isinstance(layout, Layout)
    assert layout.order == (0, 1, 2, 3, 4, 5)


def test_a_grid_of_64_cells_is_not_taken_for_64_channels() -> None:
    for channels_last in (True, False):
        layout = find_layout(raw_shapes(15, 512, channels_last), 15, 512)
        assert isinstance(layout, Layout)
        assert layout.channels_last == channels_last


@pytest.mark.parametrize("strides", SCALES, ids=str)
def test_the_scales_of_a_decoded_head_are_known_by_its_number_of_anchors(strides: tuple[int, ...]) -> None:
    layout = find_layout([(1, 19, anchor_count(640, strides))], 15, 640)
    assert isinstance(layout, Layout)
    assert layout.strides == strides


@pytest.mark.parametrize(
    ("shapes", "kind", "channels_last"),
    [
        ([(1, 19, 8400)], "fused", False),
        ([(1, 8400, 19)], "fused", True),
        ([(1, 4, 8400), (1, 15, 8400)], "split", False),
        ([(1, 8400, 4), (1, 8400, 15)], "split", True),
    ],
)
def test_decoded_outputs_are_found_in_any_order(shapes: Shapes, kind: str, channels_last: bool) -> None:
    for order in permutations(range(len(shapes))):
        layout = find_layout([shapes[i] for i in order], 15, 640)
        assert isinstance(layout, Layout)
        assert (layout.kind, layout.channels_last) == (kind, channels_last)
        assert [order[position] for position in layout.order] == list(range(len(shapes)))


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [(1, 1000)],
        [(1, 300, 7)],
        [(1, 8400, 6)],
        [(1, 84, 8400)],
        [(1, 19, 2100)],
        [(2, 19, 8400)],
        raw_shapes(15, 640, True)[:4],
        [*raw_shapes(15, 640, True)[:5], (1, 16, 20, 20)],
        raw_shapes(15, 320, True),
    ],
)
def test_other_outputs_have_a_reason_that_names_them(shapes: Shapes) -> None:
    reason = find_layout(shapes, 15, 640)
    assert isinstance(reason, Unavailable)
    assert all("x".join(map(str, shape)) in reason.reason for shape in shapes)
    assert "15 classes at 640 px" in reason.reason
