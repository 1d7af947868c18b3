"""Detection is fed and judged through what every task promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conversion.pipeline import model_file
from core.records.unavailable import Unavailable
from core.tflite.graph import parse
from harness.tasks.detect.judged import Detected
from harness.tasks.detect.task import Detect
from harness.tasks.runtimes import open_runtime
from tests.benchmarks import tiny


def test_the_outputs_of_what_a_task_feeds_give_the_figures_that_it_finds_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    task, model, graph = Detect(), model_file(path), parse(path.read_bytes(), "detector")
    dataset = task.load(tiny.write_data(tmp_path / "data", images=3), 2)
    position = task.position(graph, dataset)
    assert not isinstance(position, Unavailable)
    runtime = open_runtime(path, 1)
    raw = runtime.outputs
    outputs = [
        [_integers(values, form.scale, form.zero_point) for values, form in zip(runtime.infer(fed), raw, strict=True)]
        for fed in task.tensors(dataset, graph, position)
    ]
    own = task.judge(model, None, dataset, 1, lambda _: None)
    given = task.judge_outputs(outputs, model, dataset, 1, own.runtime if isinstance(own, Detected) else "")
    assert isinstance(own, Detected)
    assert isinstance(given, Detected)
    assert given.figures() == own.figures()
    assert task.difference(own, given).difference == 0


def _integers(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    return np.rint(values / scale + zero_point).astype(np.int8)
