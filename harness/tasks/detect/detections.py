"""What a detector found in a data set, in memory and as a COCO result list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DatasetError
from harness.tasks.detect.dataset import Dataset


@dataclass(frozen=True, eq=False)
class ImageDetections:
    """The detections of one image, best score first: corners (n, 4) in image pixels, scores (n,) 0..1, classes (n,)."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Detections:
    """All detections of a data set; row i lies in image `images[i]` (its position in the data set).

    Corners float64 (n, 4) are multiples of 1/1000 pixel and scores float64 (n,) multiples of 1e-6, so that the list kept on
    disk gives the very same figures as the detections in memory.
    """

    images: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)


def join(found: Sequence[ImageDetections]) -> Detections:
    """The detections of consecutive images, `found[i]` being those of image i, rounded as `Detections` promises."""
    if not found:
        return Detections(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    return Detections(
        np.repeat(np.arange(len(found)), [len(image.scores) for image in found]),
        np.concatenate([image.boxes for image in found]).astype(np.float64).round(3),
        np.concatenate([image.scores for image in found]).astype(np.float64).round(6),
        np.concatenate([image.classes for image in found]).astype(np.int64),
    )


def concatenated(parts: Sequence[tuple[Detections, int]]) -> Detections:
    """The detections of parts of a data set, each with its number of images, as those of the whole."""
    starts = np.cumsum([0, *(count for _, count in parts)])
    return Detections(
        np.concatenate([part.images + start for (part, _), start in zip(parts, starts[:-1], strict=True)]),
        np.concatenate([part.boxes for part, _ in parts]),
        np.concatenate([part.scores for part, _ in parts]),
        np.concatenate([part.classes for part, _ in parts]),
    )


def to_coco(detections: Detections) -> list[dict[str, Any]]:
    """COCO's result list: image_id is the position in the data set + 1, category_id the class + 1, bbox x y w h in pixels."""
    boxes = detections.boxes.copy()
    boxes[:, 2:] = np.round(boxes[:, 2:] - boxes[:, :2], 3)
    columns = zip(
        (detections.images + 1).tolist(),
        (detections.classes + 1).tolist(),
        boxes.tolist(),
        detections.scores.tolist(),
        strict=True,
    )
    return [{"image_id": image, "category_id": name, "bbox": box, "score": score} for image, name, box, score in columns]


def from_coco(results: Iterable[Mapping[str, Any]], dataset: Dataset) -> Detections:
    """The detections `to_coco` wrote; DatasetError when the list is broken or belongs to another data set."""
    try:
        rows = [(row["image_id"], row["category_id"], row["score"], *row["bbox"]) for row in results]
        table = np.array(rows, np.float64).reshape(-1, 7)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"a detection of `{dataset.name}` cannot be read: {error!r}",
            expected="objects with image_id, category_id, score and bbox [x, y, w, h]",
        ) from error
    images, classes = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64) - 1
    _require_range(images, len(dataset.images), "image", dataset)
    _require_range(classes, len(dataset.class_names), "class", dataset)
    boxes = table[:, 3:]
    boxes[:, 2:] = np.round(boxes[:, 2:] + boxes[:, :2], 3)
    return Detections(images, boxes, table[:, 2], classes)


def ground_truth(dataset: Dataset) -> dict[str, Any]:
    """The data set in COCO's annotation format, with the same ids as `to_coco`."""
    images = [
        {"id": i, "file_name": image.path.name, "width": image.width, "height": image.height}
        for i, image in enumerate(dataset.images, 1)
    ]
    boxes = [
        (i, int(index) + 1, [x1, y1, x2 - x1, y2 - y1])
        for i, image in enumerate(dataset.images, 1)
        for index, (x1, y1, x2, y2) in zip(image.labels.classes, image.labels.corners.tolist(), strict=True)
    ]
    annotations = [
        {"id": i, "image_id": image, "category_id": index, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for i, (image, index, box) in enumerate(boxes, 1)
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(dataset.class_names, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _require_range(positions: NDArray[np.int64], count: int, what: str, dataset: Dataset) -> None:
    """DatasetError when a position is not one of `count`."""
    if len(positions) and not (positions.min() >= 0 and positions.max() < count):
        raise DatasetError(
            f"a detection names {what} {int(positions[(positions < 0) | (positions >= count)][0]) + 1}",
            expected=f"1 to {count}: the data set `{dataset.name}` that the detections were made on",
        )
