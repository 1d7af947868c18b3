"""Labelled inputs are read from folders, tables and arrays, each class under its own number, or refused by name.

Covers harness.tasks.classify.arrays.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import DatasetError, EthosBenchError
from harness.tasks.classify.dataset import load_inputs, training_files
from tests.harness.tasks.classify.colours import NAMES, write_images


def test_folders_are_classes_in_the_order_of_the_label_file(tmp_path: Path) -> None:
    found = load_inputs(write_images(tmp_path / "data"), None)
    assert found.class_names == NAMES
    assert [(found.files[i].parent.name, found.class_names[label]) for i, label in enumerate(found.labels)] == [
        (file.parent.name, file.parent.name) for file in found.files
    ]
    assert (found.count, found.of) == (12, 12)


@pytest.mark.parametrize(
    ("names", "classes", "expected"),
    [
        (("b", "a"), (), ("a", "b")),
        (("10", "9", "0"), (), ("0", "9", "10")),
        (("dog", "cat"), ("background", "dog", "cat"), ("background", "dog", "cat")),
        (("dog", "cat"), ("plane", "car"), ("cat", "dog")),
    ],
    ids=["sorted", "numbers as numbers", "the model's own", "the model's are others"],
)
def test_without_a_label_file_classes_are_the_models_or_sorted(
    tmp_path: Path, names: tuple[str, ...], classes: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    for name in names:
        write_images(tmp_path / "some")
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "some/blue/blue-0.png").rename(tmp_path / "data" / name / "one.png")
    assert load_inputs(tmp_path / "data", None, classes).class_names == expected


def test_a_data_set_with_splits_is_judged_on_test_and_calibrated_on_train(tmp_path: Path) -> None:
    write_images(tmp_path / "train", each=5)
    write_images(tmp_path / "test", each=2)
    assert load_inputs(tmp_path, None).count == 6
    assert len(training_files(tmp_path, 7)) == 7
    with pytest.raises(DatasetError, match="no `train` folder"):
        training_files(tmp_path / "test", 7)


def test_a_table_names_files_from_where_it_lies_and_classes_by_name_or_number(tmp_path: Path) -> None:
    write_images(tmp_path)
    rows = ["red/red-1.png,red", "blue/blue-0.png,blue", "green/red-0.png,green"]
    for name, lines in (("names.csv", ["file,label", *rows]), ("numbers.csv", [row.replace(",red", ",0").replace(
        ",blue", ",2").replace(",green", ",1") for row in rows])):  # fmt: skip
        (tmp_path / name).write_text("\n".join(lines))
        found = load_inputs(tmp_path / name, None)
        assert [found.class_names[label] for label in found.labels] == ["red", "blue", "green"]


def test_arrays_come_with_their_labels_in_one_file_or_beside(tmp_path: Path) -> None:
    values, labels = np.arange(24, dtype=np.float32).reshape(4, 6), np.array([0, 1, 1, 2])
    np.savez(tmp_path / "one.npz", inputs=values, labels=labels)
    np.save(tmp_path / "two.npy", values)
    np.save(tmp_path / "two_labels.npy", labels[:, None])
    one, two = (load_inputs(tmp_path / name, None) for name in ("one.npz", "two.npy"))
    assert one.identity == two.identity
    assert one.class_names == ("0", "1", "2")
    assert one.arrays is not None
    np.testing.assert_array_equal(one.arrays, values)


def test_a_subset_and_another_label_are_other_data(tmp_path: Path) -> None:
    values = np.arange(8.0).reshape(4, 2)
    for name, labels in (("a", [0, 1, 0, 1]), ("b", [0, 1, 1, 0])):
        np.savez(tmp_path / f"{name}.npz", inputs=values, labels=labels)
    first, second = (load_inputs(tmp_path / f"{name}.npz", None) for name in "ab")
    assert len({first.identity, second.identity, first.take([0, 1]).identity, load_inputs(tmp_path / "a.npz", 2).identity}) == 4
    assert (load_inputs(tmp_path / "a.npz", 2).count, load_inputs(tmp_path / "a.npz", 2).of) == (2, 4)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda at: at / "absent", "does not exist"),
        (lambda at: write(at / "data.yaml", "names: [a]"), "no data set of a classifier"),
        (lambda at: write(at / "empty.csv", ""), "has no file and label"),
        (lambda at: write(at / "narrow.csv", "a.png,0\nb.png"), "row 2 has no file and label"),
        (lambda at: write(at / "gone.csv", "gone.png,0\nalso.png,1"), "gone.png"),
        (lambda at: write(at / "broken.npz", "no archive"), "cannot be read"),
        (lambda at: at, "no image in"),
    ],
    ids=["absent", "of a detector", "empty", "a row too short", "a file that is not there", "broken", "no images"],
)
def test_what_is_wrong_with_a_data_set_is_said_by_name(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(EthosBenchError, match=message):
        load_inputs(make(tmp_path), None)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"inputs": np.zeros((3, 2)), "labels": np.zeros(2, int)}, "labels \\[2\\]"),
        ({"inputs": np.zeros((2, 2)), "labels": np.array([0.5, 1])}, "labels of float64"),
        ({"inputs": np.zeros((2, 2))}, "holds inputs"),
        ({"inputs": np.zeros((2, 2)), "labels": np.array([0, -1])}, "-1"),
    ],
    ids=["counts differ", "no whole labels", "no labels", "a negative label"],
)
def test_arrays_that_are_no_data_set_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "data.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=message):
        load_inputs(tmp_path / "data.npz", None)
