"""Scores tell two kinds of input apart: by a value, or by what a reconstruction misses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conversion.pipeline import model_file
from core.errors import DatasetError
from core.records.unavailable import Unavailable
from core.tflite.graph import parse
from harness.tasks.classify.preprocess import parse_preprocess
from harness.tasks.runtimes import open_runtime
from harness.tasks.score.task import Score, Scored
from tests.conversion.tflite_builder import SCALE, TinyModel
from tests.harness.tasks.classify.colours import classifier, write_images


def reconstruction() -> bytes:
    """A file that gives back what is positive of its input: RELU of (1, 8) values."""
    model = TinyModel()
    values = model.tensor((1, 8), "values")
    return model.finish([values], [model.unary("RELU", values, "again")])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "model.tflite").write_bytes(reconstruction())
    return tmp_path


def write(place: Path, negatives: list[float], labels: list[int]) -> Path:
    """Inputs whose reconstruction error is the square of one negative value, in multiples of the input's scale."""
    rows = np.zeros((len(labels), 8))
    rows[:, 0] = -np.array(negatives) * SCALE
    rows[:, 1] = 20 * SCALE
    np.savez(place / "data.npz", inputs=rows, labels=labels)
    return place / "data.npz"


def judged(place: Path, data: Path) -> Scored:
    task = Score()
    found = task.judge(model_file(place / "model.tflite"), None, task.load(data, None), 1, lambda _: None)
    assert isinstance(found, Scored)
    return found


def test_the_score_of_a_reconstruction_is_its_mean_squared_error(place: Path) -> None:
    found = judged(place, write(place, [0, 8, 2, 4], [0, 1, 0, 1]))
    np.testing.assert_allclose(found.scores, np.square(np.array([0, 8, 2, 4]) * SCALE) / 8, rtol=1e-5)


@pytest.mark.parametrize(("negatives", "area"), [([1, 9, 2, 8], 1.0), ([9, 1, 8, 2], 0.0), ([5, 5, 5, 5], 0.5)])
def test_the_area_says_how_well_the_kinds_are_told_apart(place: Path, negatives: list[float], area: float) -> None:
    figures = {one.stat: one.value for one in judged(place, write(place, negatives, [0, 1, 0, 1])).figures()}
    assert figures[""] == area
    assert set(figures) == {"", "low", "high"}


def test_parts_together_are_the_whole_to_the_last_bit(place: Path) -> None:
    whole, task = judged(place, write(place, [1, 9, 2, 8, 3], [0, 1, 0, 1, 0])), Score()
    taken = [whole.dataset.take(part) for part in ((0, 1, 2), (3, 4))]
    parts = [task.judge(model_file(place / "model.tflite"), None, part, 1, lambda _: None) for part in taken]
    together = task.joined([part for part in parts if isinstance(part, Scored)], whole.dataset)
    assert together.figures() == whole.figures()
    assert together.kept.read_bytes() == whole.kept.read_bytes()


def test_inputs_of_one_kind_have_no_area(place: Path) -> None:
    (place / "labels.txt").write_text("normal\nanomaly")
    (figure,) = judged(place, write(place, [1, 2], [1, 1])).figures()
    assert isinstance(figure.value, Unavailable)


def test_the_outputs_of_a_target_give_the_same_scores(place: Path) -> None:
    own = judged(place, write(place, [0, 8, 2, 4], [0, 1, 0, 1]))
    path, task = place / "model.tflite", Score()
    graph, runtime = parse(path.read_bytes(), "model"), open_runtime(path, 1)
    (form,) = runtime.outputs
    outputs = [[np.rint(runtime.infer(fed)[0] / form.scale).astype(np.int8)] for fed in task.tensors(own.dataset, graph, 0)]
    given = task.judge_outputs(outputs, model_file(path), own.dataset, 1, "a target")
    assert isinstance(given, Scored)
    np.testing.assert_array_equal(given.scores, own.scores)
    assert task.difference(own, given).difference == 0


def test_three_kinds_are_no_data_set_of_scores(place: Path) -> None:
    with pytest.raises(DatasetError, match="3 classes"):
        Score().load(write(place, [0, 1, 2], [0, 1, 2]), None)


def test_a_classifier_gives_no_score_and_the_reason_has_its_shape(place: Path) -> None:
    (place / "model.tflite").write_bytes(classifier())
    data = write_images(place / "images")
    for name in ("blue", "labels.txt"):
        (data / name).rename(place / name)
    task = Score(parse_preprocess("mean=0,std=255"))
    found = task.judge(model_file(place / "model.tflite"), None, task.load(data, None), 1, lambda _: None)
    assert isinstance(found, Unavailable)
    assert "1x3" in found.reason
