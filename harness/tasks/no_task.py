"""No task: placement, memory, bytes and estimates need no truth, and no accuracy is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from core.errors import UsageError
from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from harness.tasks.interval import Interval
from harness.tasks.task import DataSet, Judged, Outputs, Task

REASON = Unavailable("--task none: no accuracy was asked for")


class NoTask(Task[DataSet, Judged]):
    """A model that is only compiled, placed and run."""

    name = "none"
    metrics = ()
    drop_metric = ""
    folder = ""

    def load(self, data: Path, images: int | None) -> NoReturn:
        """UsageError: nothing would be judged on the data."""
        raise UsageError(f"--data {data} beside --task none: nothing is judged", "one of the two", "--task none")

    def calibration(self, data: Path, count: int) -> NoReturn:
        """UsageError: no checkpoint is of this task."""
        raise UsageError(f"--data {data}: --task {self.name} calibrates no checkpoint", "a quantised file (--model)")

    def require_classes(self, dataset: DataSet, count: int, model: str) -> None:
        """Nothing."""

    def position(self, graph: TfliteGraph, dataset: DataSet) -> int | Unavailable:
        """No input takes data."""
        return REASON

    def batch(self, graph: TfliteGraph, position: int) -> int:
        """One."""
        return 1

    def take(self, dataset: DataSet, positions: Sequence[int]) -> DataSet:
        """The same."""
        return dataset

    def tensors(self, dataset: DataSet, graph: TfliteGraph, position: int) -> Iterator[NDArray[Any]]:
        """None."""
        return iter(())

    def judge(
        self, model: ModelFile, rect: ModelFile | None, dataset: DataSet, threads: int, progress: Progress
    ) -> Unavailable:
        """Nothing is judged."""
        return REASON

    def judge_outputs(self, outputs: Outputs, model: ModelFile, dataset: DataSet, threads: int, runtime: str) -> Unavailable:
        """Nothing is judged."""
        return REASON

    def joined(self, parts: Sequence[Judged], dataset: DataSet) -> Judged:
        """Never asked for: nothing is judged."""
        raise AssertionError(REASON.reason)

    def difference(self, first: Judged, second: Judged) -> Interval:
        """Never asked for: there is nothing to compare."""
        raise AssertionError(REASON.reason)
