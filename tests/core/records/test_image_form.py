from __future__ import annotations

import pytest

from core.records.image_form import image_form


@pytest.mark.parametrize(
    ("shape", "said", "size"),
    [
        ((1, 64, 64, 3), "64x64 px RGB, NHWC", 64),
        ((1, 3, 64, 64), "64x64 px RGB, NCHW", 64),
        ((1, 64, 96, 3), "64x96 px RGB, NHWC", "64x96"),
        ((1, 1, 32, 48), "32x48 px grey, NCHW", "32x48"),
        ((1, 48, 48, 1), "48x48 px grey, NHWC", 48),
        ((4, 48, 48, 3), "48x48 px RGB, NHWC, 4 at once", 48),
        ((1, 3, 32, 3), "3x32 px RGB, NHWC", "3x32"),
        ((1, 1, 40, 3), "1x40 px RGB, NHWC", "1x40"),
        ((1, 3, 40, 1), "40x1 px RGB, NCHW", "40x1"),
    ],
)
def test_a_tensor_holds_the_images_that_its_shape_says(shape: tuple[int, ...], said: str, size: int | str) -> None:
    form = image_form(shape)
    assert form is not None
    assert (str(form), form.size) == (said, size)


@pytest.mark.parametrize("shape", [(), (1, 10), (1, 64, 64), (1, 64, 64, 8), (1, 0, 64, 3), (1, 2, 8, 8, 3)])
def test_a_tensor_of_another_shape_holds_no_image(shape: tuple[int, ...]) -> None:
    assert image_form(shape) is None
