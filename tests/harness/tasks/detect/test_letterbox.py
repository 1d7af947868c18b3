from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.tasks.detect.letterbox import PADDING, letterbox, place
from harness.tasks.pixels import in_colours, to_float, to_quantised

SIDES = st.integers(1, 2000)
SIZES = st.sampled_from([32, 320, 640, 641])


@given(SIDES, SIDES, SIZES)
def test_the_image_touches_the_canvas_and_lies_in_its_middle(width: int, height: int, size: int) -> None:
    geometry = place(width, height, size)
    assert max(geometry.inner_width, geometry.inner_height) == size
    right = size - geometry.left - geometry.inner_width
    bottom = size - geometry.top - geometry.inner_height
    assert 0 <= right - geometry.left <= 1
    assert 0 <= bottom - geometry.top <= 1


@given(SIDES, SIDES, SIZES, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_boxes_return_from_the_canvas_where_they_were(width: int, height: int, size: int, share: list[float]) -> None:
    boxes = np.array([share]) * (width, height, width, height)
    geometry = place(width, height, size)
    np.testing.assert_allclose(geometry.to_image(geometry.to_canvas(boxes)), boxes, atol=1e-6)


def test_boxes_outside_the_image_end_at_its_edge() -> None:
    outside = np.array([[-50.0, -50.0, 700.0, 700.0]])
    assert place(100, 50, 640).to_image(outside).tolist() == [[0, 0, 100, 50]]


def test_borders_are_grey_114_and_the_odd_row_is_at_the_bottom() -> None:
    canvas, geometry = letterbox(np.full((31, 64, 3), 200, np.uint8), 64)
    assert canvas.shape == (1, 64, 64, 3)
    assert (geometry.top, geometry.left) == (16, 0)
    assert set(np.unique(canvas[0, :16])) == set(np.unique(canvas[0, 47:])) == {PADDING}
    assert set(np.unique(canvas[0, 16:47])) == {200}


def test_a_square_image_of_the_right_size_stays_as_it_is(random: np.random.Generator) -> None:
    image = random.integers(0, 256, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(letterbox(image, 32)[0][0], image)


def test_enlarging_interpolates_between_pixel_centres() -> None:
    image = np.array([[[0] * 3, [100] * 3]] * 2, np.uint8)
    assert letterbox(image, 4)[0][0, 0, :, 0].tolist() == [0, 25, 75, 100]


def test_pixels_become_0_to_1() -> None:
    assert to_float(np.array([0, 51, 255], np.uint8)).tolist() == pytest.approx([0, 0.2, 1])
    assert to_float(np.zeros(1, np.uint8)).dtype == np.float32


def test_the_usual_int8_input_is_the_pixel_minus_128() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    quantised = to_quantised(pixels, 0.003921568859368563, -128, np.int8)
    np.testing.assert_array_equal(quantised, pixels.astype(int) - 128)


@given(st.floats(1e-4, 0.1), st.integers(-128, 127))
def test_quantised_pixels_are_the_nearest_integers_and_saturate(scale: float, zero_point: int) -> None:
    pixels = np.arange(256, dtype=np.uint8)
    quantised = to_quantised(pixels, scale, zero_point, np.int8).astype(float)
    exact = pixels / 255 / scale + zero_point
    assert (np.abs(quantised - np.clip(exact, -128, 127)) <= 0.5 + 1e-9).all()


@given(SIDES, SIDES)
def test_a_margin_keeps_the_image_from_the_edge(width: int, height: int) -> None:
    geometry = place(width, height, 672, margin=16)
    assert max(geometry.inner_width, geometry.inner_height) == 640
    assert min(geometry.left, geometry.top) == 16


@pytest.mark.convert
@pytest.mark.slow
@pytest.mark.parametrize("shape", [(416, 416), (375, 500), (33, 7), (640, 480), (1, 3000), (1080, 1920)])
def test_the_canvas_is_ultralytics_letterbox_but_for_one_step_of_rounding(
    shape: tuple[int, int], random: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Image, "open", Image.open)  # ultralytics puts one of its own there, for good
    augment = pytest.importorskip("ultralytics.data.augment", reason="the extra `convert` is not installed")
    image = random.integers(0, 256, (*shape, 3), np.uint8)
    canvas, place_of = letterbox(image, 640)
    ours, theirs = canvas[0].astype(int), augment.LetterBox((640, 640), auto=False)(image=image)
    inner = np.zeros((640, 640), bool)
    inner[place_of.top :, place_of.left :][: place_of.inner_height, : place_of.inner_width] = True
    np.testing.assert_array_equal(ours[~inner], theirs[~inner])
    if max(shape) <= 640:
        assert np.abs(ours - theirs).max() <= 1


def test_an_image_keeps_its_shape_on_a_canvas_that_is_not_square() -> None:
    canvas, geometry = letterbox(np.full((32, 32, 3), 200, np.uint8), (64, 96))
    assert canvas.shape == (1, 64, 96, 3)
    assert (geometry.inner_width, geometry.inner_height, geometry.left, geometry.top) == (64, 64, 16, 0)
    assert (canvas[0, :, 15:81:65, 0] == 114).all()
    assert (canvas[0, :, 16:80] == 200).all()


def test_grey_is_the_luma_of_the_colours_and_stays_one_channel(random: np.random.Generator) -> None:
    image = random.integers(0, 256, (24, 40, 3), dtype=np.uint8)
    grey = in_colours(image, 1)
    assert grey.shape == (24, 40, 1)
    assert np.abs(grey[..., 0] - image @ [0.299, 0.587, 0.114]).max() <= 1
    assert letterbox(grey, 32)[0].shape == (1, 32, 32, 1)
    assert in_colours(image, 3) is image
