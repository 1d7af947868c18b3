"""Every image of a data set through a detector, once, for as many metrics as asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.records.image_form import ImageForm
from harness.tasks.detect import ultralytics_ap
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.decode import decode
from harness.tasks.detect.detections import Detections, ImageDetections, join
from harness.tasks.detect.graphs import Graph
from harness.tasks.detect.layout import Layout
from harness.tasks.detect.letterbox import Geometry, letterbox, place
from harness.tasks.detect.nms import Selection
from harness.tasks.images import read_image
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

_READ_AHEAD = 2


def detect(
    graph: Graph,
    dataset: Dataset,
    layout: Layout,
    selections: Sequence[Selection] = (COCO_SELECTION,),
    on_progress: OnProgress = lambda done, total: None,
    margin: int = 0,
) -> tuple[Detections, ...]:
    """The detections under each selection, from one inference per image; the images keep `margin` px from the canvas's edge."""
    if graph.image.sides != layout.sides:
        rows, columns = layout.sides
        raise ModelError(f"`{graph.path}` takes {graph.image}", expected=f"{rows}x{columns} px, the size of the layout")
    outputs = (graph.run(canvas) for canvas in canvases(dataset, graph.image, margin))
    return collect(outputs, dataset, layout, selections, on_progress, margin)


def collect(
    outputs: Iterable[Sequence[Floats]],
    dataset: Dataset,
    layout: Layout,
    selections: Sequence[Selection] = (COCO_SELECTION,),
    on_progress: OnProgress = lambda done, total: None,
    margin: int = 0,
) -> tuple[Detections, ...]:
    """The detections under each selection of outputs that came from anywhere, dequantised, in the order of the images."""
    found: list[list[ImageDetections]] = [[] for _ in selections]
    lowest = min(selection.confidence for selection in selections)
    for image, tensors in zip(dataset.images, outputs, strict=True):
        geometry = place(image.width, image.height, layout.sides, margin)
        candidates = decode(tensors, layout, lowest)
        for images, selection in zip(found, selections, strict=True):
            chosen = selection.choose(candidates)
            images.append(ImageDetections(_on_image(chosen.boxes, geometry), chosen.scores.astype(np.float64), chosen.classes))
        on_progress(len(found[0]), len(dataset.images))
    return tuple(join(images) for images in found)


def canvases(dataset: Dataset, form: ImageForm, margin: int = 0) -> Iterator[Canvas]:
    """The letterboxed images in order, uint8 (1, height, width, channels); the next ones are read while one is in use."""
    with ThreadPoolExecutor(1) as reader:
        remaining = iter(dataset.images)
        pending: deque[Future[Canvas]] = deque()

        def submit(count: int) -> None:
            pending.extend(reader.submit(_canvas, image.path, form, margin) for image in islice(remaining, count))

        submit(_READ_AHEAD)
        while pending:
            canvas = pending.popleft().result()
            submit(1)
            yield canvas


def _canvas(path: Path, form: ImageForm, margin: int) -> Canvas:
    """One image file in the model's colours, letterboxed."""
    return letterbox(in_colours(read_image(path), form.channels), form.sides, margin)[0]


def _on_image(boxes: Floats, geometry: Geometry) -> NDArray[np.float64]:
    """Corners in image pixels of corners in canvas pixels."""
    return geometry.to_image(boxes.astype(np.float64))
