"""Pixels of every kind of image file are those that OpenCV gives ultralytics, or the file is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DatasetError
from harness.tasks.images import MOST_PIXELS, image_size, read_image

GREY = 0x7FC3
"""A 16-bit value whose high byte is 127."""

Save = Callable[[Path], None]


def _noise(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(7).integers(0, 256, shape, np.uint8)


def _exif(path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(_noise(24, 32, 3)).save(path, exif=tags, quality=95)


READABLE: dict[str, Save] = {
    "rgb.png": lambda path: Image.fromarray(_noise(24, 32, 3)).save(path),
    "rgba.png": lambda path: Image.fromarray(_noise(24, 32, 4)).save(path),
    "grey8.png": lambda path: Image.fromarray(_noise(24, 32)).save(path),
    "grey-alpha.png": lambda path: Image.fromarray(_noise(24, 32, 2), "LA").save(path),
    "grey16.png": lambda path: Image.fromarray(np.full((24, 32), GREY, np.uint16)).save(path),
    "grey16.tif": lambda path: Image.fromarray(np.full((24, 32), GREY, np.uint16)).save(path),
    "palette.png": lambda path: Image.fromarray(_noise(24, 32, 3)).convert("P").save(path),
    "bilevel.png": lambda path: Image.fromarray(_noise(24, 32) > 99).save(path),
    "cmyk.jpg": lambda path: Image.fromarray(np.full((24, 32, 4), (200, 90, 30, 60), np.uint8), "CMYK").save(path),
    "rgb.bmp": lambda path: Image.fromarray(_noise(24, 32, 3)).save(path),
    "rgb.webp": lambda path: Image.fromarray(_noise(24, 32, 3)).save(path, lossless=True),
    "rgb.tif": lambda path: Image.fromarray(_noise(24, 32, 3)).save(path),
    "exif.jpg": _exif,
}


@pytest.mark.convert
@pytest.mark.parametrize("name", READABLE)
def test_pixels_are_opencvs(tmp_path: Path, name: str) -> None:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / name
    READABLE[name](path)
    theirs = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    ours = read_image(path)
    assert image_size(path) == ours.shape[1::-1]
    np.testing.assert_allclose(ours.astype(int), theirs.astype(int), atol=2 if name.endswith(".jpg") else 0)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_keep_their_high_byte(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grey.{suffix}"
    Image.fromarray(np.full((4, 6), GREY, np.uint16)).save(path)
    assert read_image(path).tolist() == np.full((4, 6, 3), GREY >> 8).tolist()


@pytest.mark.parametrize(("dtype", "says"), [(np.float32, "floating-point numbers"), (np.int32, "32-bit integers")])
def test_pixels_without_an_eight_bit_meaning_are_refused(tmp_path: Path, dtype: type[np.generic], says: str) -> None:
    path = tmp_path / "wide.tif"
    Image.fromarray(np.full((4, 6), 1, dtype)).save(path)
    for read in (image_size, read_image):
        with pytest.raises(DatasetError, match=says):
            read(path)


def test_a_file_is_what_its_bytes_say_and_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "script.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(DatasetError, match="no readable image"):
        read_image(path)


def test_an_enormous_image_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    side = int(MOST_PIXELS**0.5) + 1
    Image.new("1", (side, side)).save(path)
    with pytest.raises(DatasetError, match="million pixels"):
        read_image(path)
