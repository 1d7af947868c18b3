"""Every image of a data set through a detector, once, for as many metrics as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.records.image_form import ImageForm
from harness.tasks.detect import ultralytics_ap
from harness.tasks.detect.dataset import Dataset, LabelledImage
from harness.tasks.detect.decode import decode
from harness.tasks.detect.detections import Detections, ImageDetections, join
from harness.tasks.detect.graphs import Graph
from harness.tasks.detect.layout import Layout
from harness.tasks.detect.letterbox import Geometry, letterbox, place
from harness.tasks.detect.nms import Selection
from harness.tasks.images import read_image
from harness.tasks.in_order import in_order
from harness.tasks.pixels import in_colours
from harness.tasks.runtimes import Floats

COCO_SELECTION = Selection(confidence=0.001, iou=0.7, best_class_only=True)
"""What the documented COCO figures were made with; every class of a box on its own would give .01 to .04 more."""
PUBLISHED_SELECTION = Selection(ultralytics_ap.CONFIDENCE, ultralytics_ap.IOU, best_class_only=False)
"""What the published figures were made with, on a canvas of 672 px around the image's 640 (`PUBLISHED_MARGIN`)."""
PUBLISHED_MARGIN = 16
"""Grey pixels that ultralytics' `val` of a .pt file leaves around a square image: it pads to the next 32 px and a half."""

Canvas = NDArray[np.uint8]
OnProgress = Callable[[int, int], None]
"""Called after each image with how many are done, of how many."""


def detect(
    graph: Graph,
    dataset: Dataset,
    layout: Layout,
    selections: Sequence[Selection] = (COCO_SELECTION,),
    on_progress: OnProgress = lambda done, total: None,
    margin: int = 0,
    threads: int = 1,
) -> tuple[Detections, ...]:
    """The detections under each selection, from one inference per image; the images keep `margin` px from the canvas's edge.

    `threads` images are worked on at once, each from its file to its boxes.
    """
    if graph.image.sides != layout.sides:
        rows, columns = layout.sides
        raise ModelError(f"`{graph.path}` takes {graph.image}", expected=f"{rows}x{columns} px, the size of the layout")
    finder = _Finder(layout, selections, margin)

    def found_in(image: LabelledImage) -> list[ImageDetections]:
        return finder.found(image, graph.run(_canvas(image.path, graph.image, margin)))

    return _joined(in_order(found_in, dataset.images, threads), len(dataset.images), len(selections), on_progress)


def collect(
    outputs: Iterable[Sequence[Floats]],
    dataset: Dataset,
    layout: Layout,
    selections: Sequence[Selection] = (COCO_SELECTION,),
) -> tuple[Detections, ...]:
    """The detections under each selection of outputs that came from anywhere, dequantised, in the order of the images."""
    finder = _Finder(layout, selections)
    found = (finder.found(image, tensors) for image, tensors in zip(dataset.images, outputs, strict=True))
    return _joined(found, len(dataset.images), len(selections))


@dataclass(frozen=True)
class _Finder:
    """From the outputs for an image to its detections under each selection."""

    layout: Layout
    selections: Sequence[Selection]
    margin: int = 0

    def found(self, image: LabelledImage, outputs: Sequence[Floats]) -> list[ImageDetections]:
        geometry = place(image.width, image.height, self.layout.sides, self.margin)
        candidates = decode(outputs, self.layout, min(selection.confidence for selection in self.selections))
        every = (
            selection.rank(candidates) if self.layout.end_to_end else selection.choose(candidates)
            for selection in self.selections
        )
        return [
            ImageDetections(_on_image(chosen.boxes, geometry), chosen.scores.astype(np.float64), chosen.classes)
            for chosen in every
        ]


def _joined(
    found: Iterable[Sequence[ImageDetections]], images: int, sets: int, on_progress: OnProgress = lambda done, total: None
) -> tuple[Detections, ...]:
    """The detections of image after image, one set per selection."""
    rows: list[Sequence[ImageDetections]] = []
    for row in found:
        rows.append(row)
        on_progress(len(rows), images)
    return tuple(join([row[position] for row in rows]) for position in range(sets))


def canvases(dataset: Dataset, form: ImageForm, margin: int = 0) -> Iterator[Canvas]:
    """The letterboxed images in order, uint8 (1, height, width, channels); the next ones are read while one is in use."""
    return in_order(lambda image: _canvas(image.path, form, margin), dataset.images)


def _canvas(path: Path, form: ImageForm, margin: int) -> Canvas:
    """One image file in the model's colours, letterboxed."""
    return letterbox(in_colours(read_image(path), form.channels), form.sides, margin)[0]


def _on_image(boxes: Floats, geometry: Geometry) -> NDArray[np.float64]:
    """Corners in image pixels of corners in canvas pixels."""
    return geometry.to_image(boxes.astype(np.float64))
