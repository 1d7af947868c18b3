"""Detections of a graph on a data set, cached by content: they are a function of the file, the images and the runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from core.cache import entry
from core.errors import ModelError
from core.files import sha256
from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.unavailable import Unavailable
from core.versions import version_of
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.detect import evaluate, nms
from harness.tasks.detect.accuracy import Accuracy
from harness.tasks.detect.coco import coco_accuracy
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections, concatenated, from_coco, to_coco
from harness.tasks.detect.evaluate import collect, detect
from harness.tasks.detect.graphs import open_graph
from harness.tasks.detect.layout import Layout, find_layout
from harness.tasks.detect.nms import Selection
from harness.tasks.detect.ultralytics_ap import ultralytics_accuracy
from harness.tasks.runtimes import dequantise
from harness.tasks.task import TaskFigure

ONE = 1
"""Thread for an inference. Several images at once need no waiting for each other: on two cores that is 1.5 times as fast as
both cores for one image after the other, in half the processor time, and the same to the last bit (docs/benchmarks.md)."""
REPORT_EVERY = 64
RECT_STRIDE = 32
"""Pixels that the canvas of published figures is larger for each `PUBLISHED_MARGIN`: one stride of a plain head."""
SETS = ("coco", "published")
MAP_METRICS = ("map50", "map50_95", "map50_ultralytics83", "map50_95_ultralytics83")


@dataclass(frozen=True, kw_only=True)
class Detected:
    """Detections of one graph under COCO's selection and under the published one, and the folder that keeps them."""

    dataset: Dataset
    coco: Detections
    published: Detections
    folder: Path
    runtime: str

    @cached_property
    def accuracy(self) -> Accuracy:
        """MAP under COCO's rules: conf .001, IoU .7."""
        return coco_accuracy(self.coco, self.dataset)

    @cached_property
    def published_accuracy(self) -> Accuracy:
        """MAP as ultralytics 8.3 computes it: conf .25, IoU .45."""
        return ultralytics_accuracy(self.published, self.dataset)

    @property
    def kept(self) -> Path:
        """The COCO result list on disk."""
        return self.folder / "coco.json"

    def figures(self) -> list[TaskFigure]:
        """The four mAP figures and, under COCO's rules, those of each class with its number of boxes."""
        coco, published = self.accuracy, self.published_accuracy
        values = {
            "map50": coco.map50,
            "map50_95": coco.map50_95,
            "map50_ultralytics83": published.map50,
            "map50_95_ultralytics83": published.map50_95,
        }
        note = f"{self.dataset.count} images, {self.runtime}"
        found = [TaskFigure(metric=metric, value=value, note=note) for metric, value in values.items()]
        for one in coco.per_class:
            boxes = f"{one.box_count} boxes"
            for metric, value in (("class_map50", one.ap50), ("class_map50_95", one.ap50_95)):
                found.append(TaskFigure(metric=metric, value=value, stat=one.name, note=boxes))
        return found


def detected(
    model: ModelFile,
    rect: ModelFile | None,
    dataset: Dataset,
    threads: int,
    progress: Progress,
    *,
    end_to_end: bool | None = None,
    preprocess: Preprocess | None = None,
) -> Detected | Unavailable:
    """What a graph finds on a data set, or why its outputs are not those of a YOLO head for these classes.

    `preprocess` is what pixels become, None: 0..1. `rect` is the same graph on the canvas that published figures were measured
    on; without one they come from `model`.
    """
    runtime = "onnxruntime" if model.path.suffix == ".onnx" else "ai-edge-litert"
    version = f"{runtime} {version_of(runtime)}"
    layout = _layout(model, dataset, end_to_end=end_to_end)
    if isinstance(layout, Unavailable):
        return layout
    parts = {"model": model.sha256, "rect": rect.sha256 if rect else "", "data": dataset.identity, "runtime": version}
    parts["preprocess"] = str(preprocess or "")
    finder = _Finder(dataset=dataset, threads=threads, progress=progress, end_to_end=end_to_end, preprocess=preprocess)
    folder = entry(
        "detections", {**parts, **_settings(layout)}, lambda folder: finder.write(model, rect, folder), tell=progress
    )
    return _read(folder, dataset, version)


def detected_in(
    outputs: Sequence[Sequence[NDArray[Any]]],
    model: ModelFile,
    dataset: Dataset,
    threads: int,
    runtime: str,
    *,
    end_to_end: bool | None = None,
) -> Detected | Unavailable:
    """What the outputs of a target for every image of a data set show; `model` is the int8 file, whose formats they have."""
    layout = _layout(model, dataset, end_to_end=end_to_end)
    if isinstance(layout, Unavailable):
        return layout
    digest = sha256(b"".join(np.ascontiguousarray(tensor).tobytes() for tensors in outputs for tensor in tensors))
    formats = open_graph(model.path, threads).outputs

    def write(folder: Path) -> None:
        floats = (dequantise(tensors, formats) for tensors in outputs)
        _write(folder, collect(floats, dataset, layout, (evaluate.COCO_SELECTION, evaluate.PUBLISHED_SELECTION)))

    parts = {"model": model.sha256, "outputs": digest, "data": dataset.identity}
    return _read(entry("detections", {**parts, **_settings(layout)}, write), dataset, runtime)


def joined(parts: Sequence[Detected], dataset: Dataset) -> Detected:
    """What was found in consecutive parts of a data set, kept as what was found in the whole."""
    found = [
        concatenated([(detections, part.dataset.count) for part, detections in zip(parts, own, strict=True)])
        for own in ([part.coco for part in parts], [part.published for part in parts])
    ]
    content = {name: sha256(json.dumps(to_coco(own))) for name, own in zip(SETS, found, strict=True)}
    folder = entry("detections", {**content, "data": dataset.identity}, lambda folder: _write(folder, found))
    return _read(folder, dataset, parts[0].runtime)


def _read(folder: Path, dataset: Dataset, runtime: str) -> Detected:
    coco, published = (from_coco(json.loads((folder / f"{name}.json").read_text("utf-8")), dataset) for name in SETS)
    return Detected(dataset=dataset, coco=coco, published=published, folder=folder, runtime=runtime)


def _settings(layout: Layout) -> dict[str, JsonValue]:
    """What decides which boxes count, as values: it may be set to something else than the sources say."""
    selections = zip(SETS, (evaluate.COCO_SELECTION, evaluate.PUBLISHED_SELECTION), strict=True)
    return {
        "selections": {name: asdict(selection) for name, selection in selections},
        "margin": evaluate.PUBLISHED_MARGIN,
        "end to end": layout.end_to_end,
        "most": [nms.MAX_CANDIDATES, nms.MAX_DETECTIONS],
    }


def _write(folder: Path, found: Sequence[Detections]) -> None:
    for name, detections in zip(SETS, found, strict=True):
        (folder / f"{name}.json").write_text(json.dumps(to_coco(detections)), "utf-8")


@dataclass(frozen=True, kw_only=True)
class _Finder:
    dataset: Dataset
    threads: int
    progress: Progress
    end_to_end: bool | None
    preprocess: Preprocess | None

    def write(self, model: ModelFile, rect: ModelFile | None, folder: Path) -> None:
        """Both sets of detections as COCO result lists: of one pass over the images, or of two when `rect` has its own."""
        if rect is None:
            found = self._detect(model, (evaluate.COCO_SELECTION, evaluate.PUBLISHED_SELECTION), 0)
        else:
            coco = self._detect(model, (evaluate.COCO_SELECTION,), 0)
            strides = (self._side(rect) - self._side(model)) // RECT_STRIDE
            margin = strides * evaluate.PUBLISHED_MARGIN
            found = (*coco, *self._detect(rect, (evaluate.PUBLISHED_SELECTION,), margin))
        _write(folder, found)

    def _side(self, model: ModelFile) -> int:
        """The height of a graph's images; ultralytics pads a square by its largest stride."""
        return open_graph(model.path, ONE).image.height

    def _detect(self, model: ModelFile, selections: tuple[Selection, ...], margin: int) -> tuple[Detections, ...]:
        layout = _layout(model, self.dataset, end_to_end=self.end_to_end)
        assert isinstance(layout, Layout)
        graph = open_graph(model.path, ONE, self.preprocess)
        return detect(graph, self.dataset, layout, selections, self._report, margin, self.threads)

    def _report(self, done: int, total: int) -> None:
        if done % REPORT_EVERY == 0:
            self.progress(f"{done} of {total} images")


def _layout(model: ModelFile, dataset: Dataset, *, end_to_end: bool | None) -> Layout | Unavailable:
    try:
        graph = open_graph(model.path, ONE)
    except ModelError as error:
        return Unavailable(error.found, file=model.path.name)
    shapes = [output.shape for output in graph.outputs]
    return find_layout(shapes, len(dataset.class_names), graph.image.sides, end_to_end=end_to_end)
