"""What every task promises: a data set read, inputs made of it, outputs judged, and what int8 costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.image_form import ImageForm
from core.records.measurement import Value
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from harness.tasks.interval import Interval

TaskName = Literal["detect", "classify", "score", "none"]
Outputs = Sequence[Sequence[NDArray[Any]]]
"""What a target gave: the output tensors of each inference, in the model's order and its own types."""


class DataSet(Protocol):
    """Inputs with their truth; two are the same data when their `identity` is the same."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def identity(self) -> str:
        """SHA-256 over names, inputs and truth."""
        ...

    @property
    def count(self) -> int:
        """How many inputs it holds."""
        ...

    @property
    def of(self) -> int:
        """How many there are in the whole set."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskFigure:
    """A figure of one graph on a data set; `metric` is a row of core/metrics.py."""

    metric: str
    value: Value
    stat: str = ""
    note: str = ""


class Judged(Protocol):
    """What one graph gave on a data set; `kept` is the file that holds it."""

    @property
    def dataset(self) -> DataSet:
        """The inputs and their truth."""
        ...

    @property
    def runtime(self) -> str:
        """What ran the graph."""
        ...

    @property
    def kept(self) -> Path:
        """The file that a results folder takes."""
        ...

    def figures(self) -> list[TaskFigure]:
        """Every figure of the task."""
        ...


Sized = Callable[[NDArray[np.uint8], ImageForm], NDArray[np.uint8]]
"""RGB pixels (rows, columns, 3) -> pixels at an input's size, uint8 (1, height, width, channels)."""


@dataclass(frozen=True)
class TrainingImages:
    """Images to calibrate a quantiser with; `identity` is the SHA-256 over their bytes in order, and over what sizes them."""

    files: tuple[Path, ...]
    identity: str
    sized: Sized


Data = TypeVar("Data", bound=DataSet)
Found = TypeVar("Found", bound=Judged)


class Task(ABC, Generic[Data, Found]):
    """What a model is for.

    `metrics` are the figures that say so when nothing can be judged, `drop_metric` is what int8 costs ("" where nothing says
    so). `folder` is where a results folder keeps what was found.
    """

    name: TaskName
    metrics: tuple[str, ...]
    drop_metric: str
    folder: str

    @abstractmethod
    def load(self, data: Path, images: int | None) -> Data:
        """The inputs to judge on, at most `images` of them, evenly spaced; DatasetError names what is wrong with them."""

    @abstractmethod
    def calibration(self, data: Path, count: int) -> TrainingImages:
        """At most `count` images of the training split, and how they are brought to an input's size."""

    @abstractmethod
    def require_classes(self, dataset: Data, count: int, model: str) -> None:
        """Nothing, or DatasetError when a model of `count` classes cannot be judged on the data set."""

    @abstractmethod
    def position(self, graph: TfliteGraph, dataset: Data) -> int | Unavailable:
        """Which input of a graph the data set is for, or why it is for none."""

    @abstractmethod
    def batch(self, graph: TfliteGraph, position: int) -> int:
        """How many inputs of the data set one inference takes."""

    @abstractmethod
    def take(self, dataset: Data, positions: Sequence[int]) -> Data:
        """The inputs at these positions, under another identity."""

    @abstractmethod
    def tensors(self, dataset: Data, graph: TfliteGraph, position: int) -> Iterator[NDArray[Any]]:
        """Values for the input at `position`, in its own type, shape and batch; a rest of a batch is left."""

    @abstractmethod
    def judge(
        self, model: ModelFile, rect: ModelFile | None, dataset: Data, threads: int, progress: Progress
    ) -> Found | Unavailable:
        """What a graph on this computer gives, or why its outputs are not those of the task.

        `rect` is the same graph on the canvas of published figures, where there is one.
        """

    @abstractmethod
    def judge_outputs(
        self, outputs: Outputs, model: ModelFile, dataset: Data, threads: int, runtime: str
    ) -> Found | Unavailable:
        """What a target's outputs for every input of a data set show; `model` is the int8 file, whose formats they have."""

    @abstractmethod
    def joined(self, parts: Sequence[Found], dataset: Data) -> Found:
        """What consecutive parts of a data set gave, one after the other, as what the whole gives: to the last bit."""

    @abstractmethod
    def difference(self, first: Found, second: Found) -> Interval:
        """The accuracy of the first minus that of the second on the same data, with its paired bootstrap interval."""


AnyTask = Task[Any, Any]
