"""Scoring as a task: how well one number tells two kinds of input apart; the area under the ROC curve.

The number is the only value of the model's output, or the mean squared difference between its input and its output where both
have one size (an autoencoder's reconstruction error). Class 1 is what should score high.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from core.cache import entry
from core.errors import DatasetError, ModelError, UsageError
from core.files import sha256
from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.unavailable import Unavailable
from core.versions import version_of
from harness.tasks.classify.dataset import LabelledInputs, load_inputs
from harness.tasks.classify.judged import values, with_interval
from harness.tasks.classify.labelled import Labelled
from harness.tasks.classify.metrics import Statistic, area_under_curve, paired
from harness.tasks.classify.preprocess import EXAMPLE, FORM
from harness.tasks.interval import Interval
from harness.tasks.runtimes import Floats, Runtime, dequantise, open_runtime
from harness.tasks.task import Outputs, TaskFigure

KINDS = 2


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One score for each input, float64 (n,), and the file that keeps them."""

    dataset: LabelledInputs
    scores: NDArray[np.float64]
    kept: Path
    runtime: str

    @property
    def area(self) -> Statistic:
        """The area under the ROC curve under weights."""
        return area_under_curve(self.scores, self.dataset.labels == 1)

    def figures(self) -> list[TaskFigure]:
        """The area with its interval."""
        return with_interval("auc", self.area, self.dataset.count, f"{self.dataset.count} inputs, {self.runtime}")


@dataclass(frozen=True)
class Score(Labelled[Scored]):
    """Inputs of two kinds, and how high a model scores each."""

    name = "score"
    metrics = ("auc",)
    drop_metric = "auc_drop"
    folder = "scores"

    def load(self, data: Path, images: int | None) -> LabelledInputs:
        """The labelled inputs of two kinds, 0 and 1."""
        dataset = load_inputs(data, images)
        if len(dataset.class_names) != KINDS:
            raise DatasetError(f"`{data}` has {len(dataset.class_names)} classes", "two: 0 scores low, 1 scores high")
        if dataset.files and self.preprocess is None:
            raise UsageError(f"`{data}` holds images, and nothing says how they become the model's input", FORM, EXAMPLE)
        return dataset

    def calibration(self, data: Path, count: int) -> NoReturn:
        """UsageError: no checkpoint is of this task."""
        raise UsageError(f"--data {data}: --task {self.name} calibrates no checkpoint", "a quantised file (--model)")

    def require_classes(self, dataset: LabelledInputs, count: int, model: str) -> None:
        """Nothing: a score has no classes of its own."""

    def judge(
        self, model: ModelFile, rect: ModelFile | None, dataset: LabelledInputs, threads: int, progress: Progress
    ) -> Scored | Unavailable:
        """The scores of a model on this computer."""
        runtime = "onnxruntime" if model.path.suffix == ".onnx" else "ai-edge-litert"
        version = f"{runtime} {version_of(runtime)}"
        try:
            loaded = open_runtime(model.path, threads)
        except ModelError as error:
            return Unavailable(error.found, file=model.path.name)
        problem = _unsuitable(loaded)
        if problem:
            return problem
        parts: dict[str, JsonValue] = {
            "model": model.sha256,
            "data": dataset.identity,
            "runtime": version,
            "preprocess": str(self.preprocess or ""),
        }
        fed = values(dataset, loaded.inputs[0], self.preprocess)
        return _kept(parts, (_score(loaded, each, loaded.infer(each)) for each in fed), dataset, version)

    def judge_outputs(
        self, outputs: Outputs, model: ModelFile, dataset: LabelledInputs, threads: int, runtime: str
    ) -> Scored | Unavailable:
        """The scores that the outputs of a target come to."""
        loaded = open_runtime(model.path, threads)
        problem = _unsuitable(loaded)
        if problem:
            return problem
        digest = sha256(b"".join(np.ascontiguousarray(tensors[0]).tobytes() for tensors in outputs))
        parts: dict[str, JsonValue] = {
            "model": model.sha256,
            "outputs": digest,
            "data": dataset.identity,
            "preprocess": str(self.preprocess or ""),
        }
        fed = values(dataset, loaded.inputs[0], self.preprocess)
        scores = (_score(loaded, each, dequantise(given, loaded.outputs)) for each, given in zip(fed, outputs, strict=True))
        return _kept(parts, scores, dataset, runtime)

    def joined(self, parts: Sequence[Scored], dataset: LabelledInputs) -> Scored:
        """The score of input after input."""
        scores = np.concatenate([part.scores for part in parts])
        content: dict[str, JsonValue] = {"joined": sha256(scores.tobytes()), "data": dataset.identity}
        return _kept(content, iter(scores.tolist()), dataset, parts[0].runtime)

    def difference(self, first: Scored, second: Scored) -> Interval:
        """The difference of the areas."""
        return paired(first.area, second.area, first.dataset.count)


def _unsuitable(loaded: Runtime) -> Unavailable | None:
    """Why a model gives no score; None when it does."""
    sizes = [int(np.prod(each.shape)) for each in loaded.outputs]
    if len(loaded.inputs) == 1 and sizes in ([1], [int(np.prod(loaded.inputs[0].shape))]):
        return None
    shapes = ", ".join("x".join(map(str, each.shape)) for each in loaded.outputs)
    return Unavailable(f"the outputs ({shapes}) are neither one value nor as many as the input holds: no score")


def _score(loaded: Runtime, fed: NDArray[Any], outputs: Sequence[Floats]) -> float:
    """The value itself, or the mean squared difference between input and output, both as real values."""
    if outputs[0].size == 1:
        return float(outputs[0].reshape(-1)[0])
    (real,) = dequantise([fed], loaded.inputs[:1])
    return float(np.mean((real.reshape(-1).astype(np.float64) - outputs[0].reshape(-1)) ** 2))


def _kept(parts: dict[str, JsonValue], scores: Iterator[float], dataset: LabelledInputs, runtime: str) -> Scored:
    """The scores from the cache, else computed."""

    def make(folder: Path) -> None:
        found = [{"true": int(label), "score": score} for label, score in zip(dataset.labels, scores, strict=True)]
        (folder / "scores.json").write_text(json.dumps({"data": dataset.identity, "inputs": found}), "utf-8")

    kept = entry("scores", parts, make) / "scores.json"
    found = json.loads(kept.read_text("utf-8"))["inputs"]
    return Scored(dataset=dataset, scores=np.array([row["score"] for row in found]), kept=kept, runtime=runtime)
