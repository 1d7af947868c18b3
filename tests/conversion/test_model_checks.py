"""What is refused before Vela sees it, and what a reader is told of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.model_checks import findings, require_compilable
from core.errors import ModelError
from core.tflite.graph import TfliteGraph, parse
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu


def graph_of(build: Callable[[TinyModel, int], list[int]], shape: tuple[int, ...] = (1, 8, 8, 8), **form: Any) -> TfliteGraph:
    model = TinyModel()
    image = model.tensor(shape, "image", **form)
    return parse(model.finish([image], build(model, image)), "model.tflite")


def custom(code: str) -> TfliteGraph:
    def build(model: TinyModel, image: int) -> list[int]:
        return [model.operator("CUSTOM", [image], [model.tensor((1, 4))], custom=code)]

    return graph_of(build)


def four_bits(model: TinyModel, image: int) -> list[int]:
    output = model.conv(image, 8)
    weights = model.tensors[model.operators[-1].inputs[1]]
    weights.type = schema.TensorType.INT4
    return [output]


def asymmetric(model: TinyModel, image: int) -> list[int]:
    output = model.conv(image, 8)
    model.tensors[model.operators[-1].inputs[1]].quantization.zeroPoint = [7] * 8
    return [output]


def one_output(scale: float) -> Callable[[TinyModel, int], list[int]]:
    def build(model: TinyModel, image: int) -> list[int]:
        return [model.operator("RESHAPE", [image], [model.tensor((1, 8, 64), "output0", scale=scale)])]

    return build


def floats(model: TinyModel, image: int) -> list[int]:
    return [model.unary("RELU", image, dtype="FLOAT32", scale=None)]


def behind_a_float_input(model: TinyModel, image: int) -> list[int]:
    return [model.conv(model.unary("QUANTIZE", image), 8)]


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (lambda: custom("ethos-u"), "has been compiled by Vela already"),
        (lambda: custom("edgetpu-custom-op"), "compiled for Google's Edge TPU"),
        (lambda: custom("TFLite_Detection_PostProcess"), "the NPU would run none of it"),
        (lambda: graph_of(lambda _, image: [image]), "holds no operators"),
        (lambda: graph_of(four_bits), "holds int4 values in `w`"),
        (lambda: graph_of(floats, dtype="FLOAT32", scale=None), "float32 input `image`: the NPU would run none of it"),
    ],
)
def test_what_has_no_answer_is_refused_by_name(graph: Callable[[], TfliteGraph], says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        require_compilable(graph())
    assert caught.value.expected


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (lambda: graph_of(behind_a_float_input, dtype="FLOAT32", scale=None), "what lies between can run on the NPU"),
        (lambda: graph_of(asymmetric), "weight tensors such as `w` have a zero point (7)"),
        (lambda: graph_of(lambda m, i: [m.unary("LOGISTIC", i)], scale=1e-10), "`image` has scale 1e-10"),
        (lambda: graph_of(one_output(2.5)), "boxes and scores with one scale of 2.5"),
        (lambda: graph_of(lambda m, i: [m.conv(i, 8)], (4, 8, 8, 8)), "holds 4 images"),
    ],
)
def test_what_changes_the_meaning_of_the_figures_is_told(graph: Callable[[], TfliteGraph], says: str) -> None:
    found = graph()
    require_compilable(found)
    (sentence,) = findings(found)
    assert says in sentence


def test_a_plain_full_integer_file_has_no_findings() -> None:
    assert findings(parse(all_on_the_npu(), "plain")) == ()
    assert findings(graph_of(one_output(1 / 256))) == ()
    assert findings(graph_of(lambda m, i: [m.conv(i, 8)])) == ()
