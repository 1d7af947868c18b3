"""Pixels as the values that a model's input takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def in_colours(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """An RGB image (height, width, 3) as it is for 3 channels, and its grey (height, width, 1) for 1.

    Grey is ITU-R 601's luma, as OpenCV and Pillow compute it.
    """
    return image if channels == 3 else np.asarray(Image.fromarray(image).convert("L"))[..., None]


def to_float(canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels as float32 0..1, same shape."""
    pixels: NDArray[np.float32] = np.divide(canvas, np.float32(255), dtype=np.float32)
    return pixels


def to_quantised(canvas: NDArray[np.uint8], scale: float, zero_point: int, dtype: type[np.integer]) -> NDArray[np.integer]:
    """Pixels 0..1 as the integers of a model input: round(pixel / 255 / scale) + zero_point, saturated, same shape.

    Ties go to the even integer; there are 256 pixel values, so a table does it.
    """
    limits = np.iinfo(dtype)
    table = np.rint(np.arange(256) / 255 / scale) + zero_point
    integers: NDArray[np.integer] = np.clip(table, limits.min, limits.max).astype(dtype)[canvas]
    return integers
