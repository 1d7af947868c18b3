"""Image files -> pixels, turned the way their EXIF data says."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.errors import DatasetError

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for files that are no images, are cut off, or claim to be enormous."""
_ORIENTATION = 0x0112
_QUARTER_TURNS = frozenset({5, 6, 7, 8})


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, read from the header; DatasetError when the file is no image."""
    try:
        with _open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _QUARTER_TURNS
    except _BROKEN as error:
        raise _no_image(path, error) from error
    return (height, width) if turned else (width, height)


def read_image(path: Path) -> NDArray[np.uint8]:
    """RGB pixels, uint8 (height, width, 3); DatasetError when the file is no image or is cut off."""
    try:
        with _open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except _BROKEN as error:
        raise _no_image(path, error) from error


def _open(path: Path) -> Image.Image:
    """The image with only its header read; Pillow's remarks on odd metadata are not ours to act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(path)


def _no_image(path: Path, error: BaseException) -> DatasetError:
    """The error for a file that cannot be shown."""
    return DatasetError(
        f"`{path}` is no readable image: {error}",
        expected="a JPEG, PNG, BMP, TIFF or WebP; mend the file, or remove it with its label",
    )
