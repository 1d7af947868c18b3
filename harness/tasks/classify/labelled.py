"""What tasks on labelled inputs share: one input, fed with an entry of the data set as it is or preprocessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from harness.tasks.classify.dataset import LabelledInputs
from harness.tasks.classify.judged import values
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.runtimes import format_of
from harness.tasks.task import Judged, Task

Found = TypeVar("Found", bound=Judged)


@dataclass(frozen=True)
class Labelled(Task[LabelledInputs, Found]):
    """A task on inputs with a label each; `preprocess` is how images become inputs, where it is known."""

    preprocess: Preprocess | None = None

    def position(self, graph: TfliteGraph, dataset: LabelledInputs) -> int | Unavailable:
        """The only input."""
        return 0 if len(graph.inputs) == 1 else Unavailable(f"the model has {len(graph.inputs)} inputs")

    def batch(self, graph: TfliteGraph, position: int) -> int:
        """One: a model of several inputs at once has no entry of a data set for each."""
        return 1

    def take(self, dataset: LabelledInputs, positions: Sequence[int]) -> LabelledInputs:
        """The inputs at these positions."""
        return dataset.take(positions)

    def tensors(self, dataset: LabelledInputs, graph: TfliteGraph, position: int) -> Iterator[NDArray[Any]]:
        """Preprocessed images, or the rows of an array."""
        return values(dataset, format_of(graph.inputs[position]), self.preprocess)
