"""Detection is fed and judged through what every task promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conversion.pipeline import model_file
from core.errors import UsageError
from core.records.unavailable import Unavailable
from core.tflite.graph import parse
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.detect.judged import Detected
from harness.tasks.detect.task import Detect
from harness.tasks.runtimes import open_runtime
from tests.benchmarks import tiny

MINUS_1_TO_1 = Preprocess((127.5,), (127.5,))


@pytest.mark.parametrize("preprocess", [None, MINUS_1_TO_1], ids=["0..1", "-1..1"])
def test_the_outputs_of_what_a_task_feeds_give_the_figures_that_it_finds_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preprocess: Preprocess | None
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    task, model, graph = Detect(preprocess=preprocess), model_file(path), parse(path.read_bytes(), "detector")
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


def test_pixels_are_fed_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    graph, data = parse(path.read_bytes(), "detector"), tiny.write_data(tmp_path / "data", images=1)
    (scale,) = graph.inputs[0].scales
    fed = {}
    for preprocess in (None, MINUS_1_TO_1):
        task = Detect(preprocess=preprocess)
        (fed[preprocess],) = task.tensors(task.load(data, 1), graph, 0)
    plain, wider = (values.astype(np.float64) * scale for values in (fed[None], fed[MINUS_1_TO_1]))
    np.testing.assert_allclose(wider, 2 * plain - 1, atol=2 * scale)
    assert wider.min() < -0.5


def test_a_checkpoint_is_not_calibrated_on_other_pixels_than_it_was_trained_on(tmp_path: Path) -> None:
    data = tiny.write_data(tmp_path / "data", images=1)
    assert Detect(preprocess=Preprocess((0.0,), (255.0,))).calibration(data, 1).files
    with pytest.raises(UsageError, match=r"pixels of 0 to 1, and --preprocess says mean=127.5,std=127.5"):
        Detect(preprocess=MINUS_1_TO_1).calibration(data, 1)


def _integers(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    return np.rint(values / scale + zero_point).astype(np.int8)
