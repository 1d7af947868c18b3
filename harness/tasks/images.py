"""Image files -> pixels as OpenCV reads them for ultralytics, turned the way their EXIF data says.

What is wider than 8 bits keeps its high byte, alpha is dropped, of several pages the first one counts. What OpenCV reads as no
image (32-bit integers, floats) is refused by name: no source says how it would be brought to 8 bits.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.errors import DatasetError
from core.files import require_regular

FORMATS = ("AVIF", "BMP", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")
"""What is opened, by content: a file's name is no promise, and some of Pillow's other formats start programs (EPS)."""
MOST_PIXELS = 89_478_485
"""Pillow's own bound on what may be an attack: an image of this size takes a quarter of a GB decoded."""
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning)
"""What Pillow raises for files that are no images, are cut off, or claim to be enormous."""
_ORIENTATION = 0x0112
_QUARTER_TURNS = frozenset({5, 6, 7, 8})
_WIDE = {"I": "32-bit integers", "F": "floating-point numbers"}
"""Pillow's modes of pixels that have no agreed way to 8 bits."""


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, read from the header; DatasetError when the file is no image that can be read."""
    try:
        with _open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _QUARTER_TURNS
    except _BROKEN as error:
        raise _no_image(path, error) from error
    return (height, width) if turned else (width, height)


def read_image(path: Path) -> NDArray[np.uint8]:
    """RGB pixels, uint8 (height, width, 3); DatasetError when the file is no image, is cut off, or has no 8-bit meaning."""
    try:
        with _open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):
                grey = (np.asarray(upright) >> 8).astype(np.uint8)
                return np.repeat(grey[:, :, None], 3, axis=2)
            return np.asarray(upright.convert("RGB"))
    except _BROKEN as error:
        raise _no_image(path, error) from error


def _open(path: Path) -> Image.Image:
    """The image with only its header read; Pillow's remarks on odd metadata are not ours to act on."""
    require_regular(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(path, formats=FORMATS)
    width, height = image.size
    if width * height > MOST_PIXELS:
        image.close()
        raise ValueError(f"{width} x {height} px are more than {MOST_PIXELS / 1e6:.0f} million pixels")
    if image.mode in _WIDE:
        image.close()
        raise ValueError(f"its pixels are {_WIDE[image.mode]}, and nothing says how they become 8 bits")
    return image


def _no_image(path: Path, error: BaseException) -> DatasetError:
    """The error for a file that cannot be shown."""
    return DatasetError(
        f"`{path}` is no readable image: {error}",
        expected="a JPEG, PNG, BMP, TIFF, WebP, AVIF or JPEG 2000 of 8 or 16 bits; mend the file, or remove it with its label",
    )
