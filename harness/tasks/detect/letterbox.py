"""Image -> model input, and boxes back.

Pillow's bilinear resize, as in the documented COCO figures. Where it enlarges it is within 1 of 255 of OpenCV's, which
ultralytics validates with; where it shrinks it averages, and OpenCV's picks. That one step of rounding is worth up to
.005 of mAP50-95 (level2_leaky .704 against .709), so figures of different resizes are not compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.records.image_form import Sides

PADDING = 114
"""The grey of ultralytics' borders, 0..255."""


@dataclass(frozen=True)
class Geometry:
    """Where an image of `width` x `height` lies on its canvas: `inner_width` x `inner_height` pixels at (left, top)."""

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int

    def to_canvas(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Corners (n, 4) in image pixels -> corners in canvas pixels."""
        return boxes * self._scale + self._offset

    def to_image(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Corners (n, 4) in canvas pixels -> corners in image pixels, cut at the image's edge."""
        limits = (self.width, self.height, self.width, self.height)
        return np.clip((boxes - self._offset) / self._scale, 0, limits)

    @property
    def _scale(self) -> NDArray[np.float64]:
        """Canvas pixels per image pixel, for x y x y; the two differ by the rounding of the inner size."""
        return np.array([self.inner_width / self.width, self.inner_height / self.height] * 2)

    @property
    def _offset(self) -> NDArray[np.float64]:
        """Canvas pixels, for x y x y."""
        return np.array([self.left, self.top] * 2, np.float64)


def place(width: int, height: int, size: int | Sides, margin: int = 0) -> Geometry:
    """The centred place of an image on a canvas, enlarged or reduced until it is `margin` from the edge.

    `size` is the canvas's height and width in pixels, one number for a square one.
    """
    rows, columns = (size, size) if isinstance(size, int) else size
    ratio = min((columns - 2 * margin) / width, (rows - 2 * margin) / height)
    inner_width, inner_height = max(round(width * ratio), 1), max(round(height * ratio), 1)
    # The odd pixel goes to the right and the bottom, as in ultralytics' LetterBox.
    left, top = round((columns - inner_width) / 2 - 0.1), round((rows - inner_height) / 2 - 0.1)
    return Geometry(width=width, height=height, inner_width=inner_width, inner_height=inner_height, left=left, top=top)


def letterbox(image: NDArray[np.uint8], size: int | Sides, margin: int = 0) -> tuple[NDArray[np.uint8], Geometry]:
    """The canvas, uint8 (1, height, width, channels) with borders of 114, and where the image lies on it.

    `image` is uint8 (height, width, channels), RGB or grey; it is placed as ultralytics' `LetterBox(size, auto=False)` does.
    """
    geometry = place(image.shape[1], image.shape[0], size, margin)
    inner = (geometry.inner_width, geometry.inner_height)
    if inner != (geometry.width, geometry.height):
        flat = image[..., 0] if image.shape[2] == 1 else image
        resized = np.asarray(Image.fromarray(flat).resize(inner, Image.Resampling.BILINEAR))
        image = resized.reshape(*resized.shape[:2], image.shape[2])
    rows, columns = (size, size) if isinstance(size, int) else size
    canvas = np.full((1, rows, columns, image.shape[2]), PADDING, np.uint8)
    canvas[0, geometry.top : geometry.top + inner[1], geometry.left : geometry.left + inner[0]] = image
    return canvas, geometry
