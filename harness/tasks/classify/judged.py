"""Scores of a classifier on a data set, cached by content, and the figures that they come to."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
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
from core.records.image_form import image_form
from core.records.unavailable import Unavailable
from core.versions import version_of
from harness.tasks.classify.dataset import LabelledInputs
from harness.tasks.classify.metrics import Scores, Statistic, area_under_curve, bootstrap, confusion, plain, share_within
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.images import read_image
from harness.tasks.interval import Interval
from harness.tasks.runtimes import Floats, TensorFormat, dequantise, in_type, open_runtime
from harness.tasks.task import Outputs, TaskFigure

METRICS = ("top1", "top5")
REPORT_EVERY = 256
READ_AHEAD = 2
MANY_CLASSES = 5
"""Top-5 says something where there are more."""
KEPT_SCORES = 5
"""Best classes of each input in the results."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """Scores float32 (n, classes) of one graph for a data set's inputs, and the file that keeps what it took each for."""

    dataset: LabelledInputs
    scores: Scores
    kept: Path
    runtime: str

    @cached_property
    def top1(self) -> Statistic:
        """Top-1 accuracy under weights."""
        return share_within(self.scores, self.dataset.labels, 1)

    def figures(self) -> list[TaskFigure]:
        """Top-1 and top-5 with their intervals, the recall of each class, and for two classes the area under the curve."""
        statistics = {"top1": self.top1}
        if len(self.dataset.class_names) > MANY_CLASSES:
            statistics["top5"] = share_within(self.scores, self.dataset.labels, 5)
        if len(self.dataset.class_names) == 2:
            margins = self.scores[:, 1].astype(np.float64) - self.scores[:, 0]
            statistics["auc"] = area_under_curve(margins, self.dataset.labels == 1)
        note = f"{self.dataset.count} inputs, {self.runtime}"
        count = self.dataset.count
        found = [figure for metric, one in statistics.items() for figure in with_interval(metric, one, count, note)]
        return [*found, *self._per_class()]

    def _per_class(self) -> Iterator[TaskFigure]:
        """How many inputs of each class were taken for it; the note says what the others were taken for most."""
        names = self.dataset.class_names
        for number, row in enumerate(confusion(self.scores, self.dataset.labels)):
            total, wrong = int(row.sum()), np.where(np.arange(len(row)) == number, 0, row)
            most = int(wrong.argmax())
            note = f"{total} inputs" + (f", {int(wrong[most])} taken for {names[most]}" if wrong[most] else "")
            value = float(row[number] / total) if total else Unavailable("the data set has no input of this class")
            yield TaskFigure(metric="class_recall", value=value, stat=names[number], note=note)


def with_interval(metric: str, statistic: Statistic, count: int, note: str) -> list[TaskFigure]:
    """A figure with both ends of its bootstrap interval; unavailable where it is not defined."""
    value = plain(statistic, count)
    if not np.isfinite(value):
        return [TaskFigure(metric=metric, value=Unavailable("all inputs are of one class"), note=note)]
    interval: Interval = bootstrap(statistic, count)
    ends = {"": value, "low": interval.low, "high": interval.high}
    return [TaskFigure(metric=metric, value=number, stat=stat, note=note) for stat, number in ends.items()]


def judge_file(
    model: ModelFile, dataset: LabelledInputs, preprocess: Preprocess | None, threads: int, progress: Progress
) -> Classified | Unavailable:
    """What a classifier on this computer takes the inputs for, or why its outputs are no classes."""
    runtime = "onnxruntime" if model.path.suffix == ".onnx" else "ai-edge-litert"
    version = f"{runtime} {version_of(runtime)}"
    try:
        loaded = open_runtime(model.path, threads)
    except ModelError as error:
        return Unavailable(error.found, file=model.path.name)
    problem = unsuitable(loaded.inputs, loaded.outputs, dataset)
    if problem:
        return problem

    def scores() -> Iterator[Floats]:
        for done, fed in enumerate(values(dataset, loaded.inputs[0], preprocess), 1):
            if done % REPORT_EVERY == 0:
                progress(f"{done} of {dataset.count} inputs")
            yield loaded.infer(fed)[0]

    parts: dict[str, JsonValue] = {
        "model": model.sha256,
        "data": dataset.identity,
        "runtime": version,
        "preprocess": str(preprocess or ""),
    }
    return _kept(parts, scores, dataset, version, progress)


def judge_given(outputs: Outputs, model: ModelFile, dataset: LabelledInputs, runtime: str) -> Classified | Unavailable:
    """What the outputs of a target for every input show; `model` is the int8 file, whose formats they have."""
    loaded = open_runtime(model.path, 1)
    problem = unsuitable(loaded.inputs, loaded.outputs, dataset)
    if problem:
        return problem
    digest = sha256(b"".join(np.ascontiguousarray(tensors[0]).tobytes() for tensors in outputs))
    parts: dict[str, JsonValue] = {"model": model.sha256, "outputs": digest, "data": dataset.identity}
    return _kept(parts, lambda: (dequantise(given, loaded.outputs)[0] for given in outputs), dataset, runtime, lambda _: None)


def joined(parts: Sequence[Classified], dataset: LabelledInputs) -> Classified:
    """The scores for consecutive parts of a data set, kept as those for the whole."""
    table = np.concatenate([part.scores for part in parts])
    content: dict[str, JsonValue] = {"joined": sha256(table.tobytes()), "data": dataset.identity}
    return _kept(content, lambda: iter(table), dataset, parts[0].runtime, lambda _: None)


def unsuitable(
    inputs: tuple[TensorFormat, ...], outputs: tuple[TensorFormat, ...], dataset: LabelledInputs
) -> Unavailable | None:
    """Why a model's outputs are not the classes of a data set; None when they are."""
    sizes = [int(np.prod(each.shape)) for each in outputs]
    if len(inputs) != 1 or sizes != [len(dataset.class_names)]:
        shapes = ", ".join("x".join(map(str, each.shape)) for each in outputs)
        classes = len(dataset.class_names)
        return Unavailable(
            f"{len(inputs)} input{'s' * (len(inputs) != 1)} and the outputs ({shapes}) are no classifier of {classes} classes"
        )
    return None


def values(dataset: LabelledInputs, form: TensorFormat, preprocess: Preprocess | None) -> Iterator[NDArray[Any]]:
    """Each input of a data set in the type and shape of a model's input; the next files are read while one is in use."""
    if dataset.arrays is not None:
        yield from (fitted(row, form, preprocess) for row in dataset.arrays)
        return
    with ThreadPoolExecutor(1) as reader:
        remaining, pending = iter(dataset.files), deque[Future[NDArray[Any]]]()
        pending.extend(reader.submit(_of_file, file, form, preprocess) for file in islice(remaining, READ_AHEAD))
        while pending:
            made = pending.popleft().result()
            pending.extend(reader.submit(_of_file, file, form, preprocess) for file in islice(remaining, 1))
            yield made


def _of_file(file: Path, form: TensorFormat, preprocess: Preprocess | None) -> NDArray[Any]:
    return fitted(read_image(file), form, preprocess)


def fitted(row: NDArray[Any], form: TensorFormat, preprocess: Preprocess | None) -> NDArray[Any]:
    """One input as a model takes it: values of the input's own type as they are, pixels preprocessed, real values quantised."""
    if row.dtype == np.uint8 and preprocess is not None and (image := image_form(form.shape)) is not None:
        pixels = np.repeat(row[..., None], 3, axis=2) if row.ndim == 2 else row
        made = preprocess.values(pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2), image)
        row = made.transpose(2, 0, 1) if image.layout == "NCHW" else made
    elif row.dtype.name == form.dtype:
        return _shaped(row, form)
    return _shaped(in_type(row, form), form)


def _shaped(row: NDArray[Any], form: TensorFormat) -> NDArray[Any]:
    """The values in the input's shape; ModelError when there are more or fewer."""
    if row.size != int(np.prod(form.shape)):
        found = f"an input of the data set holds {list(row.shape)} values"
        raise ModelError(found, f"{list(form.shape)}, as `{form.name}` takes them")
    return row.reshape(form.shape)


def _kept(
    parts: dict[str, JsonValue],
    scores: Callable[[], Iterator[Floats]],
    dataset: LabelledInputs,
    runtime: str,
    progress: Progress,
) -> Classified:
    """The scores from the cache, else computed."""

    def make(folder: Path) -> None:
        table = np.stack([each.reshape(-1) for each in _all(scores(), dataset)]).astype(np.float32)
        np.save(folder / "scores.npy", table, allow_pickle=False)
        (folder / "classes.json").write_text(json.dumps(taken(table, dataset)), "utf-8")

    folder = entry("classifications", parts, make, tell=progress)
    table = np.load(folder / "scores.npy", allow_pickle=False)
    return Classified(dataset=dataset, scores=table, kept=folder / "classes.json", runtime=runtime)


def _all(scores: Iterable[Floats], dataset: LabelledInputs) -> list[Floats]:
    """As many scores as there are inputs."""
    return [each for each, _ in zip(scores, dataset.labels, strict=True)]


def taken(table: Scores, dataset: LabelledInputs) -> Any:
    """What each input was taken for, as the results keep it: the true class and the best ones with their scores."""
    best = np.argsort(-table, axis=1, kind="stable")[:, :KEPT_SCORES]
    files = [file.name for file in dataset.files] or [f"row {number}" for number in range(dataset.count)]
    return {
        "data": dataset.identity,
        "classes": list(dataset.class_names),
        "inputs": [
            {"input": file, "true": int(label), "best": [int(i) for i in own], "scores": [round(float(row[i]), 6) for i in own]}
            for file, label, row, own in zip(files, dataset.labels, table, best, strict=True)
        ],
    }
