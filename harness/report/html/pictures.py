"""A few images of the data set with their true boxes and what each graph found, chosen where the graphs differ."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.report.run_view import Model, RunView
from harness.tasks.detect.dataset import Dataset, LabelledImage
from harness.tasks.detect.detections import Detections, from_coco
from harness.tasks.detect.overlap import pairwise_iou
from harness.tasks.images import read_image

SHOWN = 4
LONGEST_SIDE = 320
"""Pixels of an image's longer side on the page."""
QUALITY = 70
CONFIDENCE = 0.25
IOU = 0.5
GRAPHS = ("float", "int8", "npu")


@dataclass(frozen=True)
class DetectedBox:
    """A box in pixels of the original image; `wrong` when no true box of its class lies under it."""

    x: float
    y: float
    width: float
    height: float
    text: str
    wrong: bool = False


@dataclass(frozen=True)
class GraphPanel:
    """One image as one graph sees it; `missed` true boxes lie under none of its boxes. A classifier has `words`, no boxes."""

    graph: str
    boxes: tuple[DetectedBox, ...]
    missed: int = 0
    words: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """What the graph found in words, "" for nothing."""
        return ", ".join(self.words or [box.text for box in self.boxes])


@dataclass(frozen=True)
class Picture:
    """A downscaled image as a data URI, with its panels by model."""

    key: str
    name: str
    uri: str
    width: int
    height: int
    panels: Mapping[str, tuple[GraphPanel, ...]]


def pictures(view: RunView, dataset: Dataset) -> list[Picture]:
    """At most SHOWN images; none when the run kept detections of another data set."""
    found = {model: _detections(view, model, dataset) for model in view.models}
    found = {model: graphs for model, graphs in found.items() if graphs}
    if not found:
        return []
    chosen = _choose(dataset, list(found.values()))
    return [_picture(dataset, position, found, number) for number, position in enumerate(chosen)]


def _detections(view: RunView, model: Model, dataset: Dataset) -> dict[str, Detections]:
    lists = {graph: view.run.detections(model.name, graph) for graph in GRAPHS}
    return {graph: _sure(from_coco(rows, dataset)) for graph, rows in lists.items() if rows is not None}


def _sure(found: Detections) -> Detections:
    """The detections that a user would be shown, by image."""
    keep = np.flatnonzero(found.scores >= CONFIDENCE)
    keep = keep[np.argsort(found.images[keep], kind="stable")]
    return Detections(found.images[keep], found.boxes[keep], found.scores[keep], found.classes[keep])


def _choose(dataset: Dataset, models: Sequence[Mapping[str, Detections]]) -> list[int]:
    """Images that tell most: two where int8 loses most, one that float gets wrong, one that all get right."""
    errors = {graph: np.zeros(len(dataset.images)) for graph in GRAPHS}
    for graphs in models:
        for graph, found in graphs.items():
            errors[graph] += [_errors(image, _at(found, i)) for i, image in enumerate(dataset.images)]
    boxes = np.array([len(image.labels.classes) for image in dataset.images])
    total = sum(errors.values())
    lost = np.argsort(-(errors["int8"] - errors["float"]), kind="stable")[:2]
    wrong = np.argsort(-errors["float"], kind="stable")[:1]
    right = np.argsort(-np.where(total == 0, boxes, -1), kind="stable")[:SHOWN]
    return list(dict.fromkeys(int(i) for i in (*right[:1], *lost, *wrong, *right[1:])))[:SHOWN]


def _at(found: Detections, position: int) -> Detections:
    rows = slice(*np.searchsorted(found.images, (position, position + 1)))
    return Detections(found.images[rows], found.boxes[rows], found.scores[rows], found.classes[rows])


def _errors(image: LabelledImage, found: Detections) -> int:
    hit, covered = _matches(image, found)
    return int((~hit).sum() + (~covered).sum())


def _matches(image: LabelledImage, found: Detections) -> tuple[Any, Any]:
    """Which detections lie on a true box of their class, and which true boxes are found; bool arrays."""
    if not len(found) or not len(image.labels.classes):
        return np.zeros(len(found), bool), np.zeros(len(image.labels.classes), bool)
    same = found.classes[:, None] == image.labels.classes[None, :]
    close = pairwise_iou(found.boxes, image.labels.corners) >= IOU
    return (same & close).any(1), (same & close).any(0)


def _picture(dataset: Dataset, position: int, found: Mapping[Model, Mapping[str, Detections]], number: int) -> Picture:
    image = dataset.images[position]
    truth = GraphPanel("truth", tuple(_boxes(image.labels.corners, [dataset.class_names[i] for i in image.labels.classes])))
    panels = {
        model.name: (truth, *(_panel(graph, image, _at(of, position), dataset) for graph, of in graphs.items()))
        for model, graphs in found.items()
    }
    return Picture(
        key=f"image-{number}",
        name=image.path.name,
        uri=picture_uri(image.path),
        width=image.width,
        height=image.height,
        panels=panels,
    )


def _panel(graph: str, image: LabelledImage, found: Detections, dataset: Dataset) -> GraphPanel:
    hit, covered = _matches(image, found)
    texts = [f"{dataset.class_names[name]} {score:.2f}" for name, score in zip(found.classes, found.scores, strict=True)]
    return GraphPanel(graph, tuple(_boxes(found.boxes, texts, ~hit)), int((~covered).sum()))


def _boxes(corners: Any, texts: Sequence[str], wrong: Any = None) -> Iterable[DetectedBox]:
    for i, (x1, y1, x2, y2) in enumerate(np.asarray(corners).tolist()):
        yield DetectedBox(
            x=x1, y=y1, width=x2 - x1, height=y2 - y1, text=texts[i], wrong=bool(wrong[i]) if wrong is not None else False
        )


def picture_uri(path: Path) -> str:
    """The image as WebP in a data URI."""
    small = Image.fromarray(read_image(path))
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    packed = io.BytesIO()
    small.save(packed, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"
