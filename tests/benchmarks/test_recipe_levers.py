"""Levers of the recipes on graphs of a few operators: attention is found, int16 stays where it belongs, means come back."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.ranges import Floats, Range
from core.tflite.graph import Operator, TfliteGraph, parse
from tests.conversion.tflite_builder import TinyModel

pytest.importorskip("ai_edge_quantizer", reason="needs the extra `convert`")

from benchmarks.studies.recipes.bias import channel_means, correct_biases, layered
from benchmarks.studies.recipes.constants import FloatModel, replace_constants
from benchmarks.studies.recipes.distances import distance
from benchmarks.studies.recipes.wide import attention
from conversion.quantise import assembled

FIRST, SECOND = "first", "second"
RANDOM = np.random.default_rng(3)
IMAGES: list[Floats] = [RANDOM.random((1, 4, 4, 2), np.float32) for _ in range(4)]
UNIT, CLIPPED = Range(0.0, 1.0), Range(-0.2, 0.2)


def float_conv(model: TinyModel, source: int, name: str) -> int:
    """A float CONV_2D with 2 channels and a bias."""
    weights = model.random.normal(size=(2, 1, 1, 2)).astype(np.float32)
    inputs = [source, model.constant(weights, f"{name} weights"), model.constant(np.full(2, 0.1, np.float32), f"{name} bias")]
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    return model.operator("CONV_2D", inputs, [model.tensor((1, 4, 4, 2), name, "FLOAT32", None)], options)


@pytest.fixture(scope="module")
def model() -> FloatModel:
    """Image -> CONV_2D -> CONV_2D, in float."""
    tiny = TinyModel()
    image = tiny.tensor((1, 4, 4, 2), "image", "FLOAT32", None)
    content = tiny.finish([image], [float_conv(tiny, float_conv(tiny, image, FIRST), SECOND)])
    return FloatModel(content, parse(content, "the float model"))


def ranges(model: FloatModel, inner: Range) -> dict[int, Range]:
    """[0, 1] for the image, `inner` for the first convolution, plenty for the second."""
    spans = {"image": UNIT, FIRST: inner, SECOND: Range(-4.0, 4.0)}
    return {tensor.index: spans[tensor.name] for tensor in model.graph.tensors if tensor.name in spans}


def shift(model: FloatModel, content: bytes, name: str) -> float:
    """How far the channel means of an int8 file lie from those of the float file, at most."""
    aim, found = (channel_means(each, [name], IMAGES)[name] for each in (model.content, content))
    return float(np.abs(aim - found).max())


def test_the_means_of_a_model_that_clips_come_back(model: FloatModel) -> None:
    spans = ranges(model, CLIPPED)
    plain = assembled(model.content, model.graph, spans)
    biases = correct_biases(model, spans, IMAGES)
    mended = assembled(replace_constants(model.content, biases), model.graph, spans)
    step = 8.0 / 255
    assert shift(model, plain, SECOND) > 2 * step, "without a shift there is nothing to mend"
    assert shift(model, mended, SECOND) < step, "no closer than one step of the output can be told"


def test_convolutions_are_corrected_from_the_front(model: FloatModel) -> None:
    assert [[model.graph.tensors[op.outputs[0]].name for op in layer] for layer in layered(model)] == [[FIRST], [SECOND]]


def test_only_the_asked_operator_is_wide(model: FloatModel) -> None:
    spans = ranges(model, Range(-4.0, 4.0))
    content = assembled(model.content, model.graph, spans, wide=[model.graph.operators[0]])
    graph = parse(content, "the int8 model")
    first, second = (op for op in graph.operators if op.kind == "CONV_2D")
    assert [graph.tensors[op.outputs[0]].dtype for op in (first, second)] == ["int16", "int8"]
    assert {graph.inputs[0].dtype, graph.outputs[0].dtype} == {"int8"}


def attention_graph() -> TfliteGraph:
    """NEG, then BATCH_MATMUL, RESHAPE, SOFTMAX, TRANSPOSE, BATCH_MATMUL, then NEG: shapes do not matter here."""
    tiny = TinyModel()
    image = tiny.tensor((1, 4, 4), "image")
    query = tiny.unary("NEG", image)
    scores = tiny.unary("SOFTMAX", tiny.unary("RESHAPE", tiny.binary("BATCH_MATMUL", query, image)))
    mixed = tiny.binary("BATCH_MATMUL", query, tiny.unary("TRANSPOSE", scores))
    content = tiny.finish([image], [tiny.unary("NEG", mixed)])
    return parse(content, "attention")


def kinds(operators: list[Operator]) -> list[str]:
    return [op.kind for op in operators]


def test_the_attention_reaches_from_one_matrix_product_to_the_other() -> None:
    assert kinds(attention(attention_graph())) == ["BATCH_MATMUL", "RESHAPE", "SOFTMAX", "TRANSPOSE", "BATCH_MATMUL"]


def test_a_graph_of_convolutions_has_no_attention(model: FloatModel) -> None:
    assert attention(model.graph) == []


def maps(box: Floats, score: float) -> list[Floats]:
    """A box map and a class map of one place: one peaked bin for each of the four sides, one logit."""
    return [box.reshape(1, 1, 1, -1), np.full((1, 1, 1, 1), score, np.float32)]


def peaks(*bins: int) -> Floats:
    logits: Floats = np.where(np.arange(16) == np.array(bins)[:, None], np.float32(60), np.float32(0))
    return logits


def test_a_side_that_moves_by_a_bin_is_a_shift_of_one() -> None:
    moved = distance(maps(peaks(1, 2, 3, 4), 2.0), maps(peaks(1, 2, 3, 5), 2.0))
    assert moved.shift / moved.weight == pytest.approx(1.0)
    assert moved.excess == pytest.approx(0.0)


def test_any_other_score_is_an_excess_and_places_without_a_box_have_no_shift() -> None:
    higher, lower = (distance(maps(peaks(1, 2, 3, 4), 2.0), maps(peaks(1, 2, 3, 4), score)) for score in (3.0, 1.0))
    assert min(higher.excess, lower.excess) > 0.01
    assert distance(maps(peaks(1, 2, 3, 4), -9.0), maps(peaks(9, 9, 9, 9), -9.0)).shift == 0.0
