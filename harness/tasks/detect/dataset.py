"""A YOLO data set read from its `data.yaml`: images, boxes, and an identity by content.

The labels of `.../images/a.jpg` lie in `.../labels/a.txt`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DatasetError, UsageError
from core.files import sha256
from harness.tasks.detect.data_yaml import DataYaml, read_data_yaml
from harness.tasks.detect.labels import Boxes, label_path, read_labels
from harness.tasks.images import image_size
from harness.tasks.spacing import evenly


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One image file with its true boxes.

    `width` and `height` are pixels after the EXIF rotation; `boxes` are corners x1 y1 x2 y2 in these pixels. `sha256` covers
    the bytes of the image and of its label file.
    """

    path: Path
    width: int
    height: int
    labels: Boxes
    sha256: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """The images of one split, in file order; `of` is how many the whole split has.

    Two data sets are the same data when their `identity` is the same: a subset is another identity than the whole split.
    """

    name: str
    class_names: tuple[str, ...]
    images: tuple[LabelledImage, ...]
    of: int

    @property
    def identity(self) -> str:
        """SHA-256 over class names, image bytes and label bytes, independent of where the files lie."""
        parts = [*self.class_names, "images", *(image.sha256 for image in self.images)]
        return sha256("\0".join(parts))

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def box_count(self) -> int:
        """Number of true boxes in all images."""
        return sum(len(image.labels.classes) for image in self.images)

    def take(self, positions: Sequence[int]) -> Dataset:
        """The images at these positions, under another identity; for hold-outs and subsets."""
        return Dataset(self.name, self.class_names, tuple(self.images[i] for i in positions), self.of)

    def require_class_count(self, class_count: int, model: str) -> None:
        """Nothing, or DatasetError when a model with `class_count` classes cannot be judged on this data set."""
        if class_count != len(self.class_names):
            raise DatasetError(
                f"`{model}` has {class_count} classes and the data set `{self.name}` {len(self.class_names)}",
                expected="the data.yaml the model was trained with",
                hint="--data path/to/data.yaml",
            )


@dataclass(frozen=True)
class Calibration:
    """Images to calibrate a quantiser with; `identity` is the SHA-256 over their bytes in order."""

    images: tuple[Path, ...]
    identity: str


def load_dataset(data_yaml: Path, split: str = "", images: int | None = None) -> Dataset:
    """The labelled images of a split (default: `test`, or `val` where there is no test), at most `images` of them.

    Every file is read and checked; DatasetError names the file and the way out. A label file that is empty or missing means
    background; a data set without any box cannot be judged and is an error.
    """
    if images is not None and images < 1:
        raise UsageError(f"{images} images of `{data_yaml}` were asked for", expected="1 image or more", hint="--images 32")
    config = read_data_yaml(data_yaml)
    split = split or ("test" if "test" in config.splits else "val")
    files = config.images(split)
    chosen = files if images is None else [files[i] for i in evenly(len(files), images)]
    loaded = tuple(_load_image(file, config) for file in chosen)
    dataset = Dataset(f"{config.name}/{split}", config.class_names, loaded, len(files))
    if not dataset.box_count:
        raise DatasetError(
            f"none of the {len(loaded)} images of split `{split}` of `{data_yaml}` has a label",
            expected=f"rows `class cx cy w h` in files such as `{label_path(loaded[0].path)}`",
        )
    return dataset


def load_calibration(data_yaml: Path, count: int, split: str = "train") -> Calibration:
    """At most `count` images of the training split, evenly spaced, labels not needed; 0 images are a DatasetError."""
    if count < 1:
        raise DatasetError(
            f"{count} calibration images of `{data_yaml}` were asked for",
            expected="at least 1: without images the ranges of the activations are unknown",
            hint="--calibration-images 64",
        )
    files = read_data_yaml(data_yaml).images(split)
    chosen = [files[i] for i in evenly(len(files), count)]
    digest = hashlib.sha256()
    for file in chosen:
        image_size(file)
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return Calibration(tuple(chosen), digest.hexdigest())


def _load_image(file: Path, config: DataYaml) -> LabelledImage:
    """The image with its labels, both checked."""
    width, height = image_size(file)
    text, labels = read_labels(label_path(file), width, height, config.class_names)
    digest = hashlib.sha256(hashlib.sha256(file.read_bytes()).digest() + hashlib.sha256(text).digest())
    return LabelledImage(path=file, width=width, height=height, labels=labels, sha256=digest.hexdigest())
