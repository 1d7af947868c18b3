from __future__ import annotations

import numpy as np
import pytest

from core.errors import UsageError
from core.records.image_form import ImageForm, square
from harness.tasks.classify.preprocess import asked_preprocess, parse_preprocess


@pytest.mark.parametrize(
    "text",
    ["", "mean=0", "std=1", "mean=0,std=0", "mean=a,std=1", "mean=1/2,std=1", "mean=0,std=1,resize=letterbox",
     "mean=0,std=1,order=gbr", "mean=0,std=1,centre=yes", "mean=nan,std=1", "mean=0,std=inf"],
)  # fmt: skip
def test_what_is_not_written_as_it_has_to_be_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="--preprocess") as caught:
        parse_preprocess(text)
    assert parse_preprocess(caught.value.hint.partition(" ")[2])


def test_a_preprocessing_is_written_as_it_is_read() -> None:
    text = "mean=123.7/116.3/103.5,std=58.4/57.1/57.4,resize=stretch,order=bgr"
    assert str(parse_preprocess(text)) == text
    assert asked_preprocess("mean=0,std=255") == "mean=0,std=255"
    assert asked_preprocess("") == ""


def test_mean_and_deviation_are_those_of_the_channel_and_bgr_turns_the_channels() -> None:
    pixels = np.full((4, 4, 3), (10, 20, 30), np.uint8)
    rgb = parse_preprocess("mean=10/20/30,std=1/2/4").values(pixels, square(4))
    np.testing.assert_array_equal(rgb, 0)
    bgr = parse_preprocess("mean=0,std=10,order=bgr").values(pixels, square(4))
    np.testing.assert_array_equal(bgr[0, 0], [3, 2, 1])


def test_a_crop_keeps_the_proportions_of_the_middle_and_a_stretch_keeps_everything() -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 255  # the middle third
    form = ImageForm(height=4, width=4, channels=3)
    assert parse_preprocess("mean=0,std=255").values(pixels, form).min() > 0.8  # the edge is blended
    stretched = parse_preprocess("mean=0,std=255,resize=stretch").values(pixels, form)
    assert stretched[:, 0].max() < 0.5
    assert stretched.mean() == pytest.approx(1 / 3, abs=0.02)


def test_an_image_of_the_inputs_size_is_not_resampled_and_grey_is_its_luma() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 6, 3), np.uint8)
    same = parse_preprocess("mean=0,std=1").values(pixels, square(6))
    np.testing.assert_array_equal(same, pixels)
    grey = parse_preprocess("mean=0,std=1").values(pixels, square(6, channels=1))
    assert grey.shape == (6, 6, 1)
    np.testing.assert_allclose(grey[..., 0], pixels @ np.array([0.299, 0.587, 0.114]), atol=1)


def test_numbers_for_three_colours_are_refused_for_a_grey_input() -> None:
    grey = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(UsageError, match="3 numbers for each pixel, and the input 1 channels"):
        parse_preprocess("mean=1/2/3,std=1").values(grey, square(4, 1))
