"""TFLite operators as layers: padding folded, activations split off, shapes in four dimensions, refusals with a reason.

Covers conversion.rules.clamps, conversion.rules.operators, conversion.rules.tensors_of_file, conversion.rules.judgement.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.rules.devices import load_rules
from conversion.rules.judgement import Judgement, judged
from conversion.rules.layer import Layer
from conversion.rules.lowering import LoweredOperator, Lowering
from core.tflite.reader import ModelReader
from tests.conversion.tflite_builder import SCALE, TinyModel, all_on_the_npu, island_between_convolutions

DEVICE = load_rules("ethos-n78")


def judge(data: bytes) -> Judgement:
    return judged(data, "tiny", DEVICE)


def lowered(data: bytes) -> tuple[LoweredOperator, ...]:
    return Lowering(ModelReader(data, "tiny")).operators


def one_layer(data: bytes) -> Layer:
    (operator,) = lowered(data)
    assert operator.refusal == ""
    return operator.layers[0]


def padded(pads: list[list[int]], shape: tuple[int, ...] = (1, 18, 18, 8)) -> tuple[TinyModel, int, int]:
    """A PAD with these numbers: the model, its input and the padded tensor."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    inputs = [image, model.constant(np.array(pads, np.int32))]
    return model, image, model.operator("PAD", inputs, [model.tensor(shape, "padded")], schema.PadOptionsT())


AROUND = [[0, 0], [1, 1], [1, 1], [0, 0]]


def behind(model: TinyModel, source: int) -> int:
    """A 3x3 convolution without padding of its own, named "out"."""
    out = model.conv(source, 8, 3, name="out")
    model.operators[-1].builtinOptions.padding = schema.Padding.VALID
    height, width = (size - 2 for size in model.tensors[source].shape[1:3])
    model.tensors[out].shape = [1, height, width, 8]
    return out


def test_a_pad_becomes_part_of_the_convolution_behind_it() -> None:
    model, image, pad = padded(AROUND)
    operators = lowered(model.finish([image], [behind(model, pad)]))
    assert operators[0].folded_into == 1
    assert operators[1].layers[0].options.padding == (1, 1, 1, 1)
    assert operators[1].layers[0].inputs[0].shape == (1, 16, 16, 8)
    judgement = judge(model.finish([image], [len(model.tensors) - 1]))
    assert [operator.where for operator in judgement.operators] == ["folded", "executed"]
    assert judgement.layers == (1, 1)


def test_a_pad_that_somebody_else_reads_stays_an_operator() -> None:
    model, image, pad = padded(AROUND)
    both = [behind(model, pad), model.unary("LOGISTIC", pad, "gate")]
    assert lowered(model.finish([image], both))[0].layers[0].kind == "pad"
    alone, image, pad = padded(AROUND)
    assert lowered(alone.finish([image], [behind(alone, pad), pad]))[0].layers[0].kind == "pad"


@pytest.mark.parametrize("pads", [[[0, 0], [0, 0], [0, 0], [0, 2]], [[1, 0], [0, 0], [0, 0], [0, 0]]])
def test_a_pad_of_batch_or_channels_is_refused(pads: list[list[int]]) -> None:
    model, image, pad = padded(pads, tuple(np.array([1, 16, 16, 8]) + np.sum(pads, axis=1)))
    assert judge(model.finish([image], [pad])).operators[0].reason == (
        "padding of batch or channels: the NPU pads height and width"
    )


@pytest.mark.parametrize(("value", "where"), [(0, "folded"), (3, "refused")])
def test_only_the_zero_point_is_padded_with(value: int, where: str) -> None:
    model, image, _ = padded(AROUND)
    model.operators.clear()
    pads = model.constant(np.array(AROUND, np.int32))
    filler = model.constant(np.array([value], np.int8))
    pad = model.operator("PADV2", [image, pads, filler], [model.tensor((1, 18, 18, 8))], schema.PadV2OptionsT())
    assert judge(model.finish([image], [behind(model, pad)])).operators[0].where == where


def test_a_pad_inside_a_refused_convolution_is_refused_with_it() -> None:
    model, image, pad = padded([[0, 0], [8, 1], [1, 1], [0, 0]], (1, 25, 18, 8))
    judgement = judge(model.finish([image], [behind(model, pad)]))
    assert [operator.where for operator in judgement.operators] == ["refused", "refused"]
    assert judgement.operators[0].reason == "folded into operator 1, which is refused"
    assert "padding of 8" in judgement.operators[1].reason


@pytest.mark.parametrize(
    ("activation", "scale", "bounds"),
    [
        ("RELU", SCALE, (0, 127)),
        ("RELU6", SCALE, (0, 120)),
        ("RELU6", 0.01, (0, 127)),
        ("RELU_N1_TO_1", SCALE, (-20, 20)),
    ],
)
def test_a_fused_activation_is_a_layer_of_its_own(activation: str, scale: float, bounds: tuple[int, int]) -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    out = model.conv(image, 8, activation=activation)
    model.tensors[out].quantization.scale = [scale]
    (operator,) = lowered(model.finish([image], [out]))
    assert [layer.kind for layer in operator.layers] == ["conv", "relu"]
    assert operator.layers[1].options.bounds == bounds


def test_same_padding_is_what_tflite_pads() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 17, 8), "image")
    layer = one_layer(model.finish([image], [model.conv(image, 8, 3, stride=2)]))
    assert layer.options.padding == (0, 1, 1, 1)


@pytest.mark.parametrize(
    ("shape", "four"),
    [
        ((8,), (1, 8, 1, 1)),
        ((1, 8), (1, 8, 1, 1)),
        ((2, 8), (1, 2, 8, 1)),
        ((1, 4, 8), (1, 4, 8, 1)),
        ((2, 4, 8), (1, 2, 4, 8)),
        ((2, 4, 8, 3), (2, 4, 8, 3)),
    ],
)
def test_short_shapes_are_filled_up_on_the_right_behind_a_batch_of_one(shape: tuple[int, ...], four: tuple[int, ...]) -> None:
    model = TinyModel()
    source = model.tensor(shape)
    assert one_layer(model.finish([source], [model.unary("LOGISTIC", source)])).inputs[0].shape == four


def test_an_axis_moves_with_the_shape() -> None:
    model = TinyModel()
    parts = [model.tensor((2, 4, 8)), model.tensor((2, 4, 8))]
    options = schema.ConcatenationOptionsT()
    options.axis = -1
    joined = model.operator("CONCATENATION", parts, [model.tensor((2, 4, 16))], options)
    assert one_layer(model.finish(parts, [joined])).options.axis == 3


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 16, 16, 8), "add"),
        ((8,), "add_by_channel"),
        ((1, 1, 1, 8), "add_by_channel"),
        ((), "add_by_scalar"),
        ((1,), "add_by_scalar"),
    ],
)
def test_a_constant_operand_is_a_tensor_a_channel_or_a_scalar(shape: tuple[int, ...], kind: str) -> None:
    from conversion.rules.table import form

    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    constant = model.constant(np.ones(shape, np.int8), "", SCALE)
    layer = one_layer(model.finish([image], [model.binary("ADD", image, constant)]))
    assert form(layer) == kind
    assert layer.inputs[1].value == (pytest.approx(SCALE) if kind == "add_by_scalar" else None)


def test_what_the_npu_does_not_have_is_refused_by_name() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    last = model.unary("FLOOR", model.unary("SOFTMAX", image))
    last = model.operator("CUSTOM", [last], [model.tensor((1, 16, 16, 8))], custom="Strange")
    reasons = [operator.reason for operator in judge(model.finish([image], [last])).operators]
    assert reasons == ["the NPU has no SOFTMAX", "the NPU has no FLOOR", "custom operator `Strange`: the NPU has no such layer"]


def test_a_slice_is_refused_because_it_is_only_estimated() -> None:
    judgement = judge(chunked())
    assert judgement.refused_kinds == {"SLICE": 2}
    assert "only estimates" in judgement.refused[0].reason


def chunked(activation: str = "NONE") -> bytes:
    """A convolution, its halves as two SLICEs, one of them convolved, and both joined again."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    whole = model.conv(image, 16, 3, name="whole", activation=activation)
    halves = []
    for start in (0, 8):
        window = [model.constant(np.array([0, 0, 0, start], np.int32)), model.constant(np.array([1, 16, 16, 8], np.int32))]
        half = model.tensor((1, 16, 16, 8), "half")
        halves.append(model.operator("SLICE", [whole, *window], [half], schema.SliceOptionsT()))
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    parts = [halves[0], model.conv(halves[1], 8, 3, activation=activation)]
    return model.finish([image], [model.operator("CONCATENATION", parts, [model.tensor((1, 16, 16, 16))], options)])


def test_float_operators_are_refused_one_by_one() -> None:
    judgement = judge(island_between_convolutions())
    assert {operator.operator: operator.reason for operator in judgement.refused} == dict.fromkeys(
        ("DEQUANTIZE", "LEAKY_RELU", "QUANTIZE"), "float32 tensor: the NPU computes in int8 and uint8"
    )
    assert judgement.taken == 2


def test_five_dimensions_are_refused() -> None:
    model = TinyModel()
    source = model.tensor((1, 2, 2, 2, 2))
    assert judge(model.finish([source], [model.unary("LOGISTIC", source)])).operators[0].reason == (
        "tensor of 5 dimensions: the NPU takes four at most"
    )


@pytest.mark.parametrize(("signature", "where"), [([1, -1, 16, 8], "refused"), ([-1, 16, 16, 8], "executed")])
def test_a_shape_that_is_open_is_refused_but_for_its_batch(signature: list[int], where: str) -> None:
    model = TinyModel()
    source = model.tensor((1, 16, 16, 8))
    model.tensors[source].shapeSignature = signature
    (operator,) = judge(model.finish([source], [model.leaky(source)])).operators
    assert operator.where == where
    assert ("only known at run time" in operator.reason) == (where == "refused")


def test_every_operator_of_several_subgraphs_is_refused() -> None:
    built: Any = schema.ModelT.InitFromPackedBuf(all_on_the_npu(), 0)
    built.subgraphs.append(built.subgraphs[0])
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(built.Pack(builder), b"TFL3")
    judgement = judge(bytes(builder.Output()))
    assert [operator.index for operator in judgement.operators] == list(range(8))
    assert {operator.reason for operator in judgement.operators} == {
        "the file holds 2 subgraphs: control flow cannot be handed to the NPU"
    }
    assert (judgement.operator_share, judgement.mac_share, judgement.pieces) == (0.0, 0.0, ())


def test_a_convolution_without_a_bias_is_taken() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    out = model.conv(image, 8)
    model.operators[-1].inputs = [*model.operators[-1].inputs[:2], -1]
    assert judge(model.finish([image], [out])).operators[0].where == "executed"


def test_a_grouped_convolution_is_refused() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    judgement = judge(model.finish([image], [model.conv(image, 8, groups=2)]))
    assert "no grouped convolutions" in judgement.operators[0].reason


def test_operators_macs_and_pieces_stand_beside_each_other() -> None:
    document = judge(all_on_the_npu()).to_json()
    assert (document["operator_share"], document["mac_share"], document["pieces"]) == (1.0, 1.0, [[0, 1, 2, 3]])
    assert document["evidence"] == "rules"
