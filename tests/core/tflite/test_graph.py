"""What `parse` promises of a TFLite file.

Covers core.tflite.fingerprint, core.tflite.macs.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from core.tflite.graph import TfliteGraph, parse
from tests.conversion.real_data import real_model
from tests.conversion.tflite_builder import TinyModel, cpu_in_the_middle, island_between_convolutions

PUBLISHED = "published/{}_full_integer_quant.tflite"


def graph(model: TinyModel, inputs: list[int], outputs: list[int]) -> TfliteGraph:
    return parse(model.finish(inputs, outputs), "tiny")


def published(name: str) -> TfliteGraph:
    path = real_model(PUBLISHED.format(name))
    return parse(path.read_bytes(), path.name)


def test_operators_come_in_file_order_with_their_builtin_names_and_outputs() -> None:
    found = parse(cpu_in_the_middle(), "tiny")
    assert [(operator.kind, operator.output_name) for operator in found.operators] == [
        ("CONV_2D", "first"),
        ("FLOOR", "floor"),
        ("CONV_2D", "second"),
        ("LEAKY_RELU", "leaky"),
        ("RELU6", "last"),
    ]
    assert [tensor.name for tensor in found.inputs + found.outputs] == ["image", "last"]
    assert found.inputs[0].shape == (1, 16, 16, 8)
    assert found.inputs[0].dtype == "int8"


def test_quantize_is_read_as_quantize() -> None:
    kinds = [operator.kind for operator in parse(island_between_convolutions(), "tiny").operators]
    assert kinds == ["CONV_2D", "DEQUANTIZE", "LEAKY_RELU", "QUANTIZE", "CONV_2D"]


def test_a_convolution_counts_one_mac_per_weight_and_output_position() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8))
    found = graph(model, [image], [model.conv(image, 16, 3, stride=2)])
    assert found.macs == 8 * 8 * 16 * 3 * 3 * 8


def test_a_grouped_convolution_counts_only_the_channels_of_its_group() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8))
    found = graph(model, [image], [model.conv(image, 16, 3, groups=4)])
    assert found.macs == 16 * 16 * 16 * 3 * 3 * 2


def test_a_depthwise_convolution_counts_one_mac_per_kernel_element_and_output() -> None:
    model = TinyModel()
    image, weights = model.tensor((1, 16, 16, 8)), model.constant(np.ones((1, 5, 3, 8), np.int8), scale=0.1)
    output = model.operator("DEPTHWISE_CONV_2D", [image, weights], [model.tensor((1, 16, 16, 8))])
    assert graph(model, [image], [output]).macs == 16 * 16 * 8 * 5 * 3


def test_a_transposed_convolution_counts_input_elements_and_no_inserted_zeros() -> None:
    model = TinyModel()
    image, weights = model.tensor((1, 8, 8, 8)), model.constant(np.ones((16, 3, 3, 8), np.int8), scale=0.1)
    shape = model.constant(np.array([1, 16, 16, 16], np.int32))
    output = model.operator("TRANSPOSE_CONV", [shape, weights, image], [model.tensor((1, 16, 16, 16))])
    assert graph(model, [image], [output]).macs == 8 * 8 * 8 * 16 * 3 * 3


def test_a_fully_connected_operator_counts_every_weight_for_every_row() -> None:
    model = TinyModel()
    rows, weights = model.tensor((6, 32)), model.constant(np.ones((24, 32), np.int8), scale=0.1)
    output = model.operator("FULLY_CONNECTED", [rows, weights], [model.tensor((6, 24))])
    assert graph(model, [rows], [output]).macs == 6 * 24 * 32


@pytest.mark.parametrize("adjoint", [False, True])
def test_a_matrix_product_counts_its_inner_dimension_however_it_is_stored(adjoint: bool) -> None:
    model = TinyModel()
    options = schema.BatchMatMulOptionsT()
    options.adjX = adjoint
    left = model.tensor((1, 4, 16, 20) if adjoint else (1, 4, 20, 16))
    right = model.tensor((1, 4, 16, 12))
    output = model.operator("BATCH_MATMUL", [left, right], [model.tensor((1, 4, 20, 12))], options)
    assert graph(model, [left, right], [output]).macs == 4 * 20 * 12 * 16


def activations(build: str) -> Counter[str]:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8))
    convolved = model.conv(image, 8, activation="RELU" if build == "fused" else "NONE")
    if build == "silu":
        convolved = model.binary("MUL", convolved, model.unary("LOGISTIC", convolved))
    elif build == "silu after requantisation":
        convolved = model.unary("QUANTIZE", convolved)
        convolved = model.binary("MUL", model.unary("LOGISTIC", convolved), convolved)
    elif build == "sigmoid":
        convolved = model.unary("LOGISTIC", convolved)
    elif build == "product of two":
        other = model.conv(image, 8)
        convolved = model.binary("MUL", convolved, model.unary("LOGISTIC", other))
    elif build == "leaky":
        convolved = model.leaky(convolved)
    elif build == "hard swish":
        convolved = model.unary("HARD_SWISH", convolved)
    return graph(model, [image], [convolved]).activations


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("fused", {"RELU": 1}),
        ("leaky", {"LEAKY_RELU": 1}),
        ("hard swish", {"HARD_SWISH": 1}),
        ("silu", {"SILU": 1}),
        ("silu after requantisation", {"SILU": 1}),
        ("sigmoid", {}),
        ("product of two", {}),
        ("none", {}),
    ],
)
def test_activations_are_those_that_follow_a_convolution(build: str, expected: dict[str, int]) -> None:
    assert activations(build) == Counter(expected)


def test_a_full_integer_file_has_no_problem() -> None:
    assert parse(cpu_in_the_middle(), "tiny").full_integer_problem() is None


def test_a_float_input_is_named() -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image", "FLOAT32", None)
    found = graph(model, [image], [model.conv(model.unary("QUANTIZE", image), 8)])
    assert found.full_integer_problem() == "has float32 input `image`"
    assert found.float_boundary() == "has float32 input `image`"


def test_float_tensors_left_inside_are_counted_with_their_operators() -> None:
    found = parse(island_between_convolutions(), "tiny")
    assert found.full_integer_problem() == "has 2 float tensors left inside, in 1 DEQUANTIZE, 1 LEAKY_RELU"
    assert found.float_boundary() is None


def test_int8_weights_under_float_activations_are_called_hybrid() -> None:
    model = TinyModel()
    image = model.tensor((1, 8), "image", "FLOAT32", None)
    weights = model.constant(np.ones((4, 8), np.int8), scale=0.1)
    output = model.operator("FULLY_CONNECTED", [image, weights], [model.tensor((1, 4), "out", "FLOAT32", None)])
    problem = graph(model, [image], [output]).full_integer_problem()
    assert problem is not None
    assert "1 int8 weights are multiplied with float activations (hybrid)" in problem


def with_weights(value: int = 1, scale: float = 0.1, name: str = "w", padding: int = 0, bias: int = 0) -> TfliteGraph:
    model = TinyModel()
    for _ in range(padding):
        model.constant(np.zeros(3, np.int32), "unused")
    image = model.tensor((1, 8), f"image {name}")
    weights = model.constant(np.full((4, 8), value, np.int8), name, scale)
    biases = model.constant(np.full(4, bias, np.int32), f"b {name}", scale)
    output = model.operator("FULLY_CONNECTED", [image, weights, biases], [model.tensor((1, 4), f"out {name}")])
    return graph(model, [image], [output])


def test_the_weight_fingerprint_ignores_names_and_the_order_in_the_file() -> None:
    assert with_weights().weights == with_weights(name="other", padding=5).weights
    assert with_weights().structure == with_weights(name="other", padding=5).structure


@pytest.mark.parametrize("changed", [with_weights(value=2), with_weights(scale=0.2), with_weights(bias=1)])
def test_the_weight_fingerprint_changes_with_weights_scales_and_biases(changed: TfliteGraph) -> None:
    assert changed.weights != with_weights().weights


def test_the_graph_fingerprint_ignores_weights_and_sees_quantisation() -> None:
    assert with_weights(value=2).structure == with_weights().structure
    assert with_weights(scale=0.2).structure != with_weights().structure


def test_weights_behind_the_flatbuffer_are_read_as_if_they_were_inside() -> None:
    data = external_weights()
    assert parse(data, "external").weights == with_weights().weights


def external_weights() -> bytes:
    """The file of `with_weights` with its weights appended behind the flatbuffer."""
    model = TinyModel()
    image = model.tensor((1, 8), "image")
    values = np.full((4, 8), 1, np.int8)
    weights = model.constant(values, "w", 0.1)
    biases = model.constant(np.zeros(4, np.int32), "b", 0.1)
    output = model.operator("FULLY_CONNECTED", [image, weights, biases], [model.tensor((1, 4), "out")])
    buffer = model.buffers[model.tensors[weights].buffer]
    buffer.data, buffer.offset, buffer.size = None, 4096, values.nbytes
    return model.finish([image], [output]).ljust(4096, b"\0") + values.tobytes()


def test_operators_that_no_output_depends_on_are_not_live() -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8))
    model.conv(image, 4, name="dead")
    found = graph(model, [image], [model.conv(image, 8, name="alive")])
    assert found.live == {1}


@pytest.mark.data
class TestPublishedFiles:
    @pytest.mark.parametrize("activation", ["relu", "leaky"])
    def test_level_3_and_level_4_are_the_same_model(self, activation: str) -> None:
        third, fourth = published(f"level3_{activation}"), published(f"level4_{activation}")
        assert (third.weights, third.structure) == (fourth.weights, fourth.structure)

    def test_the_two_activations_are_two_models(self) -> None:
        assert published("level3_relu").weights != published("level3_leaky").weights

    def test_the_older_generation_holds_silu_behind_its_relu_name(self) -> None:
        assert published("older_level3_relu").activations == Counter(SILU=57)

    @pytest.mark.parametrize(("name", "kind"), [("level3_relu", "RELU"), ("level3_leaky", "LEAKY_RELU")])
    def test_the_v3_files_hold_the_activation_of_their_name(self, name: str, kind: str) -> None:
        assert published(name).activations == Counter({kind: 57})

    def test_the_int8_weight_file_is_refused_for_its_float_input(self) -> None:
        path = real_model("published/level2_leaky_int8.tflite")
        problem = parse(path.read_bytes(), path.name).full_integer_problem()
        assert problem is not None
        assert problem.startswith("has float32 input `images`; its 62 int8 weights")
