"""Every task speaks in rows of the one table of metrics, and a model's shapes say which task it is for.

Covers harness.tasks.kinds harness.tasks.task harness.tasks.no_task.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UsageError
from core.metrics import ACCURACIES, BY_NAME
from core.tflite.graph import parse
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.detect.task import Detect
from harness.tasks.kinds import TASKS, Known, task_named, task_of
from harness.tasks.task import TaskName
from tests.benchmarks import tiny
from tests.conversion.tflite_builder import TinyModel

JUDGED: tuple[TaskName, ...] = ("detect", "classify", "score")


@pytest.mark.parametrize("name", JUDGED)
def test_the_metrics_of_a_task_are_rows_that_an_accuracy_yields(name: TaskName) -> None:
    task = TASKS[name](Known())
    assert task.name == name
    assert [metric for metric in task.metrics if BY_NAME[metric].step != "accuracy" or BY_NAME[metric].task != name] == []
    assert [BY_NAME[metric].drop for metric in task.metrics if metric in ACCURACIES] == [task.drop_metric]


@pytest.mark.parametrize("name", JUDGED)
def test_what_int8_costs_has_both_ends_of_its_interval(name: TaskName) -> None:
    row = BY_NAME[TASKS[name](Known()).drop_metric]
    assert {"", "low", "high"} <= set(row.stats)
    assert row.better == "lower"


def test_a_model_without_a_task_is_judged_on_no_data(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is judged"):
        TASKS["none"](Known()).load(tmp_path / "data.yaml", None)


@pytest.mark.parametrize(
    ("task", "asked", "found"),
    [("none", "mean=0,std=255", "beside --task none"), ("detect", "mean=0,std=255,resize=stretch", "letterboxed"),
     ("detect", "mean=0,std=255,resize=crop", "letterboxed")],
)  # fmt: skip
def test_a_preprocessing_that_a_task_has_no_use_for_is_refused(task: TaskName, asked: str, found: str) -> None:
    with pytest.raises(UsageError, match=found) as caught:
        task_named(task, asked, None, None)
    assert caught.value.hint


def test_a_detector_takes_the_range_of_its_pixels_from_the_command_line() -> None:
    task = task_named("detect", "mean=127.5,std=127.5", None, None)
    assert isinstance(task, Detect)
    assert task.preprocess == Preprocess((127.5,), (127.5,))


def flat(outputs: int, inputs: int = 8) -> bytes:
    """A file from `inputs` to `outputs` values."""
    model = TinyModel()
    values = model.tensor((1, 1, 1, inputs), "values")
    return model.finish([values], [model.conv(values, outputs)])


@pytest.mark.parametrize(
    ("content", "task"),
    [(flat(10), "classify"), (flat(2), "classify"), (flat(1), "score"), (flat(8), "score"), (tiny.detector(), "detect"),
     (tiny.cpu_operator(), "detect")],
    ids=["ten classes", "two classes", "one value", "a reconstruction", "a detector", "a map"],
)  # fmt: skip
def test_the_shapes_of_a_file_say_what_it_is_for(content: bytes, task: str) -> None:
    assert task_of(parse(content, "model")) == task
