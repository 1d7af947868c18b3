"""Detection as a task: images with boxes, letterboxed; mAP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.image_form import ImageForm
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from harness.tasks.classify.preprocess import Preprocess, require_pixels_of_0_to_1
from harness.tasks.detect.bootstrap import bootstrap_difference
from harness.tasks.detect.dataset import Dataset, load_calibration, load_dataset
from harness.tasks.detect.evaluate import canvases
from harness.tasks.detect.judged import MAP_METRICS, Detected, detected, detected_in, joined
from harness.tasks.detect.letterbox import letterbox
from harness.tasks.interval import Interval
from harness.tasks.picture import Picture, picture
from harness.tasks.pixels import in_colours
from harness.tasks.task import Outputs, Task, TrainingImages


@dataclass(frozen=True)
class Detect(Task[Dataset, Detected]):
    """YOLO data sets, and what a detector finds in their images.

    `end_to_end`: whether raw maps are of a head that leaves one box for each object; None where no checkpoint says so.
    `preprocess`: what the pixels of a letterboxed image become; None: 0..1.
    """

    end_to_end: bool | None = None
    preprocess: Preprocess | None = None

    name = "detect"
    metrics = MAP_METRICS
    drop_metric = "map50_95_drop"
    folder = "detections"

    def load(self, data: Path, images: int | None) -> Dataset:
        """The labelled images of the test split, else of val."""
        return load_dataset(data, images=images)

    def calibration(self, data: Path, count: int) -> TrainingImages:
        """Images of `train`, letterboxed; UsageError when the quantiser would see other values than 0..1."""
        require_pixels_of_0_to_1(self.preprocess)
        chosen = load_calibration(data, count)
        return TrainingImages(chosen.images, chosen.identity, letterboxed)

    def require_classes(self, dataset: Dataset, count: int, model: str) -> None:
        """Nothing, or DatasetError when model and data set have other classes."""
        dataset.require_class_count(count, model)

    def position(self, graph: TfliteGraph, dataset: Dataset) -> int | Unavailable:
        """The one input that is an image."""
        shown = picture(graph)
        return shown if isinstance(shown, Unavailable) else shown.position

    def batch(self, graph: TfliteGraph, position: int) -> int:
        """The images of one inference."""
        return _shown(graph).form.batch

    def take(self, dataset: Dataset, positions: Sequence[int]) -> Dataset:
        """The images at these positions."""
        return dataset.take(positions)

    def tensors(self, dataset: Dataset, graph: TfliteGraph, position: int) -> Iterator[NDArray[Any]]:
        """Letterboxed images."""
        shown = replace(_shown(graph), preprocess=self.preprocess)
        return shown.filled(canvases(dataset, shown.form))

    def judge(
        self, model: ModelFile, rect: ModelFile | None, dataset: Dataset, threads: int, progress: Progress
    ) -> Detected | Unavailable:
        """What a detector on this computer finds."""
        how = self.preprocess
        return detected(model, rect, dataset, threads, progress, end_to_end=self.end_to_end, preprocess=how)

    def judge_outputs(
        self, outputs: Outputs, model: ModelFile, dataset: Dataset, threads: int, runtime: str
    ) -> Detected | Unavailable:
        """What the outputs of a target show."""
        return detected_in(outputs, model, dataset, threads, runtime, end_to_end=self.end_to_end)

    def joined(self, parts: Sequence[Detected], dataset: Dataset) -> Detected:
        """The boxes of image after image."""
        return joined(parts, dataset)

    def difference(self, first: Detected, second: Detected) -> Interval:
        """The difference of mAP50-95 under COCO's rules."""
        return bootstrap_difference(first.coco, second.coco, first.dataset)


def letterboxed(image: NDArray[np.uint8], form: ImageForm) -> NDArray[np.uint8]:
    """An image in an input's colours, letterboxed."""
    return letterbox(in_colours(np.ascontiguousarray(image), form.channels), form.sides)[0]


def _shown(graph: TfliteGraph) -> Picture:
    """The image input of a graph that has one."""
    shown = picture(graph)
    assert isinstance(shown, Picture)
    return shown
