"""A classifier is fed and judged through what every task promises, with figures that can be worked out by hand.

Covers harness.tasks.classify.judged, harness.tasks.classify.labelled.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from conversion.pipeline import model_file
from core.errors import ModelError, UsageError
from core.records.image_form import square
from core.records.unavailable import Unavailable
from core.tflite.graph import parse
from harness.tasks.classify.judged import Classified, fitted
from harness.tasks.classify.preprocess import parse_preprocess
from harness.tasks.classify.task import Classify
from harness.tasks.images import read_image
from harness.tasks.runtimes import TensorFormat, open_runtime
from tests.harness.tasks.classify.colours import NAMES, SIZE, classifier, write_images

UNIT = parse_preprocess("mean=0,std=255")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "colours.tflite"
    path.write_bytes(classifier())
    return path


def judged(model: Path, data: Path) -> Classified:
    task = Classify(UNIT)
    found = task.judge(model_file(model), None, task.load(data, None), 1, lambda _: None)
    assert isinstance(found, Classified)
    return found


def test_a_mislabelled_image_costs_what_it_is_of_all(model: Path, tmp_path: Path) -> None:
    figures = {(one.metric, one.stat): one for one in judged(model, write_images(tmp_path / "data")).figures()}
    assert figures["top1", ""].value == pytest.approx(11 / 12)
    assert figures["class_recall", "red"].value == 1
    assert figures["class_recall", "green"].value == pytest.approx(4 / 5)
    assert figures["class_recall", "green"].note == "5 inputs, 1 taken for red"
    low, high = figures["top1", "low"].value, figures["top1", "high"].value
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert low < 11 / 12 < high <= 1
    assert ("top5", "") not in figures


def test_parts_together_are_the_whole_to_the_last_bit(model: Path, tmp_path: Path) -> None:
    whole, task = judged(model, write_images(tmp_path / "data")), Classify(UNIT)
    taken = [whole.dataset.take(range(*ends)) for ends in ((0, 5), (5, 6), (6, 12))]
    parts = [task.judge(model_file(model), None, part, 1, lambda _: None) for part in taken]
    together = task.joined([part for part in parts if isinstance(part, Classified)], whole.dataset)
    assert np.array_equal(together.scores, whole.scores)
    assert together.figures() == whole.figures()
    assert together.kept.read_bytes() == whole.kept.read_bytes()


def test_two_classes_have_an_area_under_the_curve(tmp_path: Path, model: Path) -> None:
    model.write_bytes(classifier(2))
    data = write_images(tmp_path / "data", wrong=0)
    (data / "labels.txt").write_text("red\ngreen")
    for file in (data / "blue").iterdir():
        file.unlink()
    (data / "blue").rmdir()
    figures = {(one.metric, one.stat): one.value for one in judged(model, data).figures()}
    assert figures["auc", ""] == figures["top1", ""] == 1


def test_the_outputs_of_what_it_feeds_give_the_figures_that_it_finds_on_its_own(model: Path, tmp_path: Path) -> None:
    task, graph, runtime = Classify(UNIT), parse(model.read_bytes(), "colours"), open_runtime(model, 1)
    own = judged(model, write_images(tmp_path / "data"))
    (form,) = runtime.outputs
    outputs = [
        [np.rint(runtime.infer(fed)[0] / form.scale + form.zero_point).astype(np.int8)]
        for fed in task.tensors(own.dataset, graph, 0)
    ]
    given = task.judge_outputs(outputs, model_file(model), own.dataset, 1, own.runtime)
    assert isinstance(given, Classified)
    assert given.figures() == own.figures()
    assert task.difference(own, given).high == 0


def test_what_is_kept_names_each_input_with_its_best_classes(model: Path, tmp_path: Path) -> None:
    found = judged(model, write_images(tmp_path / "data"))
    kept = json.loads(found.kept.read_text())
    wrong = [row["input"] for row in kept["inputs"] if row["best"][0] != row["true"]]
    assert wrong == ["red-0.png"]
    assert kept["classes"] == list(NAMES)
    assert kept["data"] == found.dataset.identity


def test_images_are_refused_when_nothing_says_how_they_become_the_input(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nor --preprocess says"):
        Classify(None).load(write_images(tmp_path / "data"), None)


def test_another_number_of_classes_is_unavailable_with_both_numbers(model: Path, tmp_path: Path) -> None:
    data = write_images(tmp_path / "data")
    (data / "labels.txt").write_text("red\ngreen\nblue\nviolet")
    task = Classify(UNIT)
    found = task.judge(model_file(model), None, task.load(data, None), 1, lambda _: None)
    assert isinstance(found, Unavailable)
    assert "1x3" in found.reason
    assert "4 classes" in found.reason


INT8 = TensorFormat("values", (1, 2), "int8", 0.5, -10)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (np.array([3, -128], np.int8), [3, -128]),
        (np.array([1.0, 1000.0]), [-8, 127]),
        (np.array([0.25, 0.75]), [-10, -8]),
    ],
    ids=["its own type stays", "real values are quantised and saturate", "ties go to the even integer"],
)
def test_rows_of_an_array_become_the_inputs_own_integers(row: np.ndarray, expected: list[int]) -> None:
    made = fitted(row, INT8, None)
    assert made.dtype == np.int8
    np.testing.assert_array_equal(made, [expected])


def test_a_row_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match=r"holds \[3\] values"):
        fitted(np.zeros(3), INT8, None)


def test_a_checkpoint_is_calibrated_on_images_of_train_as_they_become_inputs(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_images(tmp_path / split)
        (tmp_path / split / "labels.txt").unlink()
    chosen = Classify(UNIT).calibration(tmp_path, 6)
    assert len(chosen.files) == 6
    assert {file.relative_to(tmp_path).parts[0] for file in chosen.files} == {"train"}
    pixels = read_image(chosen.files[0])
    made = chosen.sized(pixels, square(SIZE))
    assert made.shape == (1, SIZE, SIZE, 3)
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made[0], UNIT.sized(pixels, square(SIZE)))
    assert Classify(UNIT).calibration(tmp_path, 3).identity != chosen.identity


@pytest.mark.parametrize("preprocess", ["mean=127.5,std=127.5", "mean=0,std=255,order=bgr"])
def test_a_checkpoint_is_calibrated_on_no_other_pixels_than_0_to_1(tmp_path: Path, preprocess: str) -> None:
    write_images(tmp_path / "train")
    with pytest.raises(UsageError, match="quantised on pixels of 0 to 1"):
        Classify(parse_preprocess(preprocess)).calibration(tmp_path, 3)
    with pytest.raises(UsageError, match="nothing says how images"):
        Classify().calibration(tmp_path, 3)
