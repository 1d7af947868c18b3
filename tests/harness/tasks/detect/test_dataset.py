"""Data sets are read as ultralytics reads them, and what is wrong with one is told by file.

Covers harness.tasks.detect.data_yaml.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DatasetError, UsageError
from harness.tasks.detect.dataset import load_calibration, load_dataset
from harness.tasks.detect.labels import label_path
from harness.tasks.images import read_image
from harness.tasks.spacing import evenly
from tests.harness.tasks.detect.conftest import WriteDataset

BOX = "1 0.5 0.5 0.5 0.5\n"


def test_boxes_are_corners_in_pixels_of_their_image(write_dataset: WriteDataset) -> None:
    image = load_dataset(write_dataset({"a": "0 0.5 0.5 0.5 0.2\n1 0.25 0.25 0.1 0.1"})).images[0]
    assert (image.width, image.height) == (40, 20)
    np.testing.assert_allclose(image.labels.corners, [[10, 8, 30, 12], [8, 4, 12, 6]])
    assert image.labels.classes.tolist() == [0, 1]


def test_a_polygon_counts_as_its_bounding_box(write_dataset: WriteDataset) -> None:
    image = load_dataset(write_dataset({"a": "1 0.1 0.5 0.5 0.1 0.4 0.9\n" + BOX})).images[0]
    np.testing.assert_allclose(image.labels.corners, [[4, 2, 20, 18], [10, 5, 30, 15]])


def test_an_empty_or_missing_label_file_is_background(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX, "b": "", "c": BOX})
    (tmp_path / "test/labels/c.txt").unlink()
    assert [len(image.labels.classes) for image in load_dataset(yaml).images] == [1, 0, 0]


def test_a_row_that_stands_twice_counts_once(write_dataset: WriteDataset) -> None:
    assert load_dataset(write_dataset({"a": BOX + "0 0.5 0.5 0.5 0.5\n" + BOX})).box_count == 2


def test_names_may_be_a_list_or_a_mapping_or_only_a_number(write_dataset: WriteDataset) -> None:
    forms = {"names: [cat, dog]": ("cat", "dog"), "names: {1: dog, 0: cat}": ("cat", "dog"), "nc: 2": ("class_0", "class_1")}
    for text, names in forms.items():
        assert load_dataset(write_dataset({"a": BOX}, yaml=f"path: .\nval: test/images\n{text}\n")).class_names == names


def test_path_is_relative_to_the_yaml_whatever_the_working_folder(
    write_dataset: WriteDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yaml = write_dataset({"a": BOX}, yaml="path: test\ntest: images\nnc: 2\n")
    monkeypatch.chdir("/")
    assert load_dataset(yaml).images[0].path == tmp_path / "test/images/a.png"


def test_a_split_may_be_a_list_file_and_several_places(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX, "b": BOX}, yaml="test: [one.txt, test/images]\nnc: 2\n")
    (tmp_path / "one.txt").write_text("./test/images/b.png\n\n")
    assert [image.path.stem for image in load_dataset(yaml).images] == ["a", "b"]


def test_labels_lie_where_the_last_images_folder_says() -> None:
    assert label_path(Path("/images/x/images/a.b.jpg")) == Path("/images/x/labels/a.b.txt")
    assert label_path(Path("/data/a.jpg")) == Path("/data/a.txt")


def test_a_turned_photo_has_the_size_and_pixels_of_how_it_is_seen(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX})
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "test/images/a.png", exif=exif)
    image = load_dataset(yaml).images[0]
    assert (image.width, image.height) == (20, 40)
    assert read_image(image.path).shape == (40, 20, 3)


def test_identity_depends_on_pixels_labels_and_names_and_not_on_the_place(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX, "b": BOX})
    first = load_dataset(yaml).identity
    moved = tmp_path.rename(tmp_path.with_name("elsewhere"))
    assert load_dataset(moved / "data.yaml").identity == first
    changed = {"test/labels/a.txt": b"0 0.5 0.5 0.5 0.5", "data.yaml": b"test: test/images\nnames: [dog, cat]"}
    for name, content in changed.items():
        before = load_dataset(moved / "data.yaml").identity
        (moved / name).write_bytes(content)
        assert load_dataset(moved / "data.yaml").identity != before
    Image.new("RGB", (40, 20), (9, 9, 9)).save(moved / "test/images/a.png")
    assert load_dataset(moved / "data.yaml").identity not in (first, before)


def test_a_subset_is_evenly_spaced_always_the_same_and_another_identity(write_dataset: WriteDataset) -> None:
    yaml = write_dataset({f"{i:02}": BOX for i in range(10)})
    whole, subset = load_dataset(yaml), load_dataset(yaml, images=4)
    assert [image.path.stem for image in subset.images] == ["00", "02", "05", "07"]
    assert subset.identity == load_dataset(yaml, images=4).identity != whole.identity
    assert (len(subset.images), subset.of) == (4, 10)
    assert load_dataset(yaml, images=99).identity == whole.identity
    assert whole.take([0, 2, 5, 7]).identity == subset.identity


def test_evenly_never_repeats_and_never_runs_out() -> None:
    for total in range(1, 30):
        for count in range(1, 40):
            chosen = evenly(total, count)
            assert len(set(chosen)) == len(chosen) == min(total, count)
            assert 0 <= chosen[0] <= chosen[-1] < total


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2 0.5 0.5 0.5 0.5", "class 2"),
        ("-1 0.5 0.5 0.5 0.5", "class -1"),
        ("0.5 0.5 0.5 0.5 0.5", "class 0.5"),
        ("nan 0.5 0.5 0.5 0.5", "class nan"),
        ("1 0.5 0.5 0.5", "4 values"),
        ("1 0.5 0.5 0.5 0.5 0.5", "6 values"),
        ("1 0.1 0.1 0.2 0.2 0.3", "6 values"),
        ("cat 0.5 0.5 0.5 0.5", "no number"),
        ("1 20 20 10 10", "outside 0..1"),
        ("1 nan 0.5 0.5 0.5", "outside 0..1"),
        ("1 0.5 0.5 -0.005 0.5", "negative size"),
    ],
)
def test_a_bad_row_is_named_with_file_and_number(write_dataset: WriteDataset, row: str, says: str) -> None:
    with pytest.raises(DatasetError) as error:
        load_dataset(write_dataset({"a": BOX + row}))
    assert says in error.value.found
    assert "a.txt`, row 2" in error.value.found
    assert error.value.expected


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("test: nowhere\nnc: 2", "nowhere` does not exist"),
        ("val: test/images\nnc: 2\ntest: empty", "is empty"),
        ("nc: 2", "names no images"),
        ("test: 7\nnc: 2", "has `test: 7`"),
        ("test: test/images", "names no classes"),
        ("test: test/images\nnc: 3\nnames: [cat, dog]", "says `nc: 3` and has 2 names"),
        ("test: test/images\nnames: {0: cat, 2: dog}", "numbers its names"),
        ("just words", "no `key: value` lines"),
        ("a: [", "cannot be read"),
        ("test: !!python/object/apply:os.system ['touch pwned']", "cannot be read"),
    ],
)
def test_a_bad_yaml_is_named_with_what_is_wrong_and_nothing_in_it_runs(
    write_dataset: WriteDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yaml: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError) as error:
        load_dataset(write_dataset({"a": BOX}, yaml=yaml))
    assert says in error.value.found
    assert str(tmp_path) in error.value.found
    assert error.value.expected
    assert not (tmp_path / "pwned").exists()


def test_a_missing_yaml_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.yaml` does not exist") as error:
        load_dataset(tmp_path / "absent.yaml")
    assert "--data" in error.value.hint


def test_a_split_that_is_not_there_lists_those_that_are(write_dataset: WriteDataset) -> None:
    with pytest.raises(DatasetError, match="no split `train`") as error:
        load_dataset(write_dataset({"a": BOX}), split="train")
    assert "test" in error.value.expected


def test_a_data_set_without_any_label_cannot_be_judged(write_dataset: WriteDataset) -> None:
    with pytest.raises(DatasetError, match="none of the 2 images") as error:
        load_dataset(write_dataset({"a": "", "b": "\n"}))
    assert "a.txt" in error.value.expected


@pytest.mark.parametrize("content", [b"", b"GIF?", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_an_image_that_is_no_image_is_named(write_dataset: WriteDataset, tmp_path: Path, content: bytes) -> None:
    yaml = write_dataset({"a": BOX, "b": BOX})
    (tmp_path / "test/images/b.png").write_bytes(content)
    with pytest.raises(DatasetError, match=r"b\.png` is no readable image") as error:
        load_dataset(yaml)
    assert "remove it" in error.value.expected


def test_an_image_that_is_cut_off_is_named_when_it_is_read(tmp_path: Path, random: np.random.Generator) -> None:
    path = tmp_path / "cut.jpg"
    Image.fromarray(random.integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(DatasetError, match=r"cut\.jpg` is no readable image"):
        read_image(path)


def test_a_model_with_another_class_count_is_refused_with_both_counts(write_dataset: WriteDataset) -> None:
    dataset = load_dataset(write_dataset({"a": BOX}))
    dataset.require_class_count(2, "model.pt")
    with pytest.raises(DatasetError, match=r"`model\.pt` has 80 classes and the data set .* 2"):
        dataset.require_class_count(80, "model.pt")


def test_0_images_are_a_usage_error(write_dataset: WriteDataset) -> None:
    with pytest.raises(UsageError, match="0 images"):
        load_dataset(write_dataset({"a": BOX}), images=0)


def test_calibration_takes_evenly_spaced_images_and_needs_no_labels(write_dataset: WriteDataset) -> None:
    yaml = write_dataset({f"{i}": "" for i in range(8)}, yaml="train: test/images\nnc: 2\n")
    calibration = load_calibration(yaml, 4)
    assert [image.stem for image in calibration.images] == ["0", "2", "4", "6"]
    assert calibration.identity == load_calibration(yaml, 4).identity != load_calibration(yaml, 8).identity


def test_0_calibration_images_are_an_error_with_a_way_out(write_dataset: WriteDataset) -> None:
    with pytest.raises(DatasetError, match="0 calibration images") as error:
        load_calibration(write_dataset({"a": BOX}, yaml="train: test/images\nnc: 2\n"), 0)
    assert "--calibration-images" in error.value.hint


@pytest.mark.data
def test_the_real_test_split_has_638_images_and_770_boxes(real_data: Path) -> None:
    dataset = load_dataset(real_data / "datasets/traffic-signs/data.yaml")
    assert (dataset.name, len(dataset.images), dataset.box_count) == ("traffic-signs/test", 638, 770)


def test_a_split_of_roboflow_is_found_without_its_leading_dots(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX}, yaml="train: ../test/images\ntest: ../test/images\nnc: 2\nroboflow: {version: 6}\n")
    assert load_dataset(yaml).images[0].path == tmp_path / "test/images/a.png"


def test_a_split_with_leading_dots_that_is_there_is_taken_as_it_says(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX}, yaml="path: test\ntest: ../test/images\nnc: 2\n")
    assert load_dataset(yaml).images[0].path == tmp_path / "test/../test/images/a.png"


def test_validation_is_another_word_for_val(write_dataset: WriteDataset) -> None:
    assert len(load_dataset(write_dataset({"a": BOX}, yaml="validation: test/images\nnc: 2\n")).images) == 1


def test_a_count_of_classes_may_be_text_and_indices_too(write_dataset: WriteDataset) -> None:
    for text in ('nc: "2"', "nc: 2.0", "nc: '2'\nnames: {'0': cat, '1': dog}"):
        assert len(load_dataset(write_dataset({"a": BOX}, yaml=f"test: test/images\n{text}\n")).class_names) == 2


@pytest.mark.parametrize("count", ["0", "-3", "1.5", "many", ".inf", "1000000000", "[2]", "9" * 400])
def test_a_count_that_is_none_is_named(write_dataset: WriteDataset, count: str) -> None:
    with pytest.raises(DatasetError, match="says `nc: ") as error:
        load_dataset(write_dataset({"a": BOX}, yaml=f"test: test/images\nnc: {count}\n"))
    assert "whole number" in error.value.expected


def test_a_yaml_that_would_grow_without_bound_is_refused(write_dataset: WriteDataset) -> None:
    grown = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 15))
    for text in (grown, f"names: {'[' * 3000}{']' * 3000}\n", "x: " + "y" * (1 << 20)):
        with pytest.raises(DatasetError, match=r"aliases|bytes, more than"):
            load_dataset(write_dataset({"a": BOX}, yaml=f"test: test/images\nnc: 2\n{text}"))


def test_a_list_that_is_no_text_is_named(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX}, yaml="test: list.txt\nnc: 2\n")
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00a.png")
    with pytest.raises(DatasetError, match=r"list\.txt` cannot be read"):
        load_dataset(yaml)


def test_a_pipe_is_not_waited_for(write_dataset: WriteDataset, tmp_path: Path) -> None:
    yaml = write_dataset({"a": BOX, "b": BOX})
    (tmp_path / "test/images/b.png").unlink()
    os.mkfifo(tmp_path / "test/images/b.png")
    with pytest.raises(DatasetError, match="not a regular file"):
        load_dataset(yaml)
    (tmp_path / "test/images/b.png").unlink()
    (tmp_path / "test/labels/b.txt").unlink()
    Image.new("RGB", (40, 20)).save(tmp_path / "test/images/b.png")
    os.mkfifo(tmp_path / "test/labels/b.txt")
    with pytest.raises(DatasetError, match="not a regular file"):
        load_dataset(yaml)
