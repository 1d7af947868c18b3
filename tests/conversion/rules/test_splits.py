"""One SPLIT in place of several SLICEs: found, written, judged again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from conversion.rules.devices import load_rules
from conversion.rules.judgement import judged
from conversion.rules.splits import chunks_of, split_suggestion, with_splits
from core.tflite.reader import ModelReader
from tests.conversion.rules.test_lowering import chunked
from tests.conversion.tflite_builder import TinyModel

DEVICE = load_rules("ethos-n78")


def sliced(*windows: tuple[int, int], kind: str = "SLICE", **masks: int) -> bytes:
    """Windows (start, size) of the 16 channels of an input, or (start, end) as STRIDED_SLICE."""
    model = TinyModel()
    image = model.tensor((1, 4, 4, 16), "image")
    outputs = []
    for start, number in windows:
        length = (16 - start if number == -1 else number) if kind == "SLICE" else (number % 16 or 16) - start
        other = [1, 4, 4, number]
        inputs = [image, model.constant(np.array([0, 0, 0, start], np.int32)), model.constant(np.array(other, np.int32))]
        options: Any = schema.SliceOptionsT()
        if kind == "STRIDED_SLICE":
            options = schema.StridedSliceOptionsT()
            for mask, value in masks.items():
                setattr(options, mask, value)
            inputs.append(model.constant(np.ones(4, np.int32)))
        outputs.append(model.operator(kind, inputs, [model.tensor((1, 4, 4, length))], options))
    return model.finish([image], outputs)


def results(data: bytes) -> list[np.ndarray[Any, Any]]:
    """What TFLite makes of random numbers, in order of the outputs' shapes."""
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    interpreter.set_tensor(source["index"], np.random.default_rng(3).integers(-128, 128, source["shape"], dtype=np.int8))
    interpreter.invoke()
    return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (sliced((0, 8), (8, 8)), "SPLIT"),
        (sliced((8, -1), (0, 8)), "SPLIT"),
        (sliced((0, 5), (5, 8), (13, 3)), "SPLIT_V"),
        (sliced((0, 8), (8, 16), kind="STRIDED_SLICE"), "SPLIT"),
        (sliced((0, -8), (8, 16), kind="STRIDED_SLICE"), "SPLIT"),
    ],
)
def test_slices_that_cover_a_tensor_become_one_split_with_the_same_numbers(data: bytes, kind: str) -> None:
    reader = ModelReader(data, "sliced")
    chunks = chunks_of(reader)
    changed, (position,) = with_splits(data, chunks)
    after = ModelReader(changed, "split")
    assert len(chunks) == len(after.operators) == 1
    assert after.operators[position].kind == kind
    for before, behind in zip(results(data), results(changed), strict=True):
        np.testing.assert_array_equal(before, behind)


@pytest.mark.parametrize(
    "data",
    [
        sliced((0, 8)),
        sliced((0, 8), (8, 7)),
        sliced((0, 8), (7, 9)),
        sliced((0, 8), (0, 8)),
        sliced((0, 8), (8, 16), kind="STRIDED_SLICE", shrinkAxisMask=8),
    ],
    ids=["one", "short", "overlapping", "twice", "shrinking"],
)
def test_slices_that_do_not_cover_a_tensor_once_stay(data: bytes) -> None:
    assert chunks_of(ModelReader(data, "sliced")) == ()
    assert split_suggestion(data, "sliced", judged(data, "sliced", DEVICE)) is None


def test_the_suggestion_is_judged_again_and_counts_the_files_own_operators() -> None:
    data = chunked()
    before = judged(data, "chunked", DEVICE)
    suggestion = split_suggestion(data, "chunked", before)
    assert suggestion is not None
    assert (before.taken, len(before.pieces)) == (3, 2)
    assert (suggestion.slices, suggestion.splits) == (2, 1)
    assert (suggestion.taken, suggestion.operators, suggestion.pieces) == (5, 5, 1)
    assert (suggestion.after.taken, len(suggestion.after.operators)) == (4, 4)
    for first, second in zip(results(data), results(with_splits(data, chunks_of(ModelReader(data, "x")))[0]), strict=True):
        np.testing.assert_array_equal(first, second)
