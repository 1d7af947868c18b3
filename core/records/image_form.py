"""How an input tensor holds images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Sides = tuple[int, int]
"""Height and width in pixels."""
COLOURS = (1, 3)


@dataclass(frozen=True, kw_only=True)
class ImageForm:
    """`batch` images at once, of `height` x `width` pixels and `channels` colours: 3 are RGB, 1 is grey."""

    height: int
    width: int
    channels: int
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    batch: int = 1

    @property
    def sides(self) -> Sides:
        """Height and width."""
        return self.height, self.width

    @property
    def size(self) -> int | str:
        """The side of a square image, else "HEIGHTxWIDTH"."""
        return self.height if self.height == self.width else f"{self.height}x{self.width}"

    def __str__(self) -> str:
        colours = "RGB" if self.channels == 3 else "grey"
        many = f", {self.batch} at once" if self.batch > 1 else ""
        return f"{self.height}x{self.width} px {colours}, {self.layout}{many}"


def square(side: int, channels: int = 3) -> ImageForm:
    """One image of `side` x `side` pixels."""
    return ImageForm(height=side, width=side, channels=channels)


def image_form(shape: Sequence[int]) -> ImageForm | None:
    """The images that a tensor of this shape holds, None when it holds none: 4 axes, one of them of 1 or 3 channels.

    Where both ends could be the channels, colours are likelier than a picture of three pixels, and then the larger picture.
    """
    if len(shape) != 4 or min(shape) < 1:
        return None
    batch, first, second, last = shape
    found = []
    if last in COLOURS:
        found.append(ImageForm(height=first, width=second, channels=last, batch=batch))
    if first in COLOURS:
        found.append(ImageForm(height=second, width=last, channels=first, layout="NCHW", batch=batch))
    return max(found, key=lambda form: (form.channels, form.height * form.width), default=None)
