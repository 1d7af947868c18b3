from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import UsageError
from core.tflite.graph import parse
from harness.workbench.given_inputs import given_inputs, require_form
from tests.benchmarks import kinds

GRAPH = parse(kinds.several_inputs(), "several.tflite")
FLOATS = parse(kinds.float_input_and_output(), "floats.tflite")


def save(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


def test_values_go_to_the_input_of_their_name(tmp_path: Path) -> None:
    file = save(tmp_path / "a.npy", np.full((1, 4, 4, 8), 7, np.int16))
    found = given_inputs([f"words={file}"], GRAPH)
    assert list(found.tensors) == [2]
    assert found.tensors[2].dtype == np.int16
    assert list(found.digests) == ["words"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((1, 4, 4, 8), np.int8), "holds int8 [1, 4, 4, 8]"),
        (np.zeros((1, 4, 8, 4), np.int16), "holds int16 [1, 4, 8, 4]"),
        (np.zeros((1, 4, 4, 8), np.float32), "holds float32 [1, 4, 4, 8]"),
    ],
)
def test_another_type_or_shape_is_refused_with_what_the_input_takes(tmp_path: Path, values: np.ndarray, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        given_inputs([f"words={save(tmp_path / 'a.npy', values)}"], GRAPH)
    assert said in caught.value.found
    assert caught.value.expected == "int16 [1, 4, 4, 8], as input `words` takes it"


def test_a_name_that_no_input_has_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no input `picture`") as caught:
        given_inputs([f"picture={save(tmp_path / 'a.npy', np.zeros(3, np.int8))}"], GRAPH)
    assert caught.value.expected == "one of `image`, `bytes`, `words`"


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    values = np.zeros(kinds.PICTURE, np.float32)
    values[0, 3, 3, 1] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        given_inputs([f"image={save(tmp_path / 'a.npy', values)}"], FLOATS)


def test_a_file_that_is_no_array_is_refused_and_nothing_in_it_is_run(tmp_path: Path) -> None:
    pickled, text, several = tmp_path / "pickled.npy", tmp_path / "text.npy", tmp_path / "several.npz"
    np.save(pickled, np.array([print], object), allow_pickle=True)
    text.write_text("no array")
    np.savez(several, a=np.zeros(3))
    for file in (pickled, text, several):
        with pytest.raises(UsageError, match=file.name):
            given_inputs([f"words={file}"], GRAPH)


@pytest.mark.parametrize("given", ["words", "=file.npy", "words="])
def test_an_option_of_another_form_shows_the_right_one(given: str) -> None:
    with pytest.raises(UsageError, match="--input") as caught:
        require_form([given])
    assert "NAME=FILE.npy" in caught.value.expected


def test_a_file_that_is_not_there_and_an_input_with_two_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.npy` does not exist"):
        require_form(["words=/nowhere.npy"])
    file = save(tmp_path / "a.npy", np.zeros(3, np.int8))
    with pytest.raises(UsageError, match="words was given 2 times"):
        require_form([f"words={file}", f"words={file}"])
