"""The count that the project's own NPU report made: functions of plain operators, without a single convolution."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.rules.devices import load_rules
from conversion.rules.relay_functions import RelayFunctions, relay_functions
from tests.conversion.tflite_builder import TinyModel

SMALL, LARGE = load_rules("ethos-n78-1tops-2ple"), load_rules("ethos-n78")


def pooled(model: TinyModel, source: int) -> int:
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = 5
    options.strideH = options.strideW = 1
    return model.unary("MAX_POOL_2D", source, options=options)


def reshaped(model: TinyModel, source: int, shape: tuple[int, ...]) -> int:
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    return model.operator("RESHAPE", [source, model.constant(np.array(shape, np.int32))], [model.tensor(shape)], options)


def joined(model: TinyModel, parts: list[int]) -> int:
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    shape = list(model.tensors[parts[0]].shape)
    shape[3] = sum(model.tensors[part].shape[3] for part in parts)
    return model.operator("CONCATENATION", parts, [model.tensor(tuple(shape))], options)


def test_a_fused_relu_is_one_function_and_a_convolution_none() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8))
    last = model.conv(model.conv(model.conv(image, 8, activation="RELU"), 8, activation="RELU"), 8)
    found = relay_functions(model.finish([image], [last]), "x", LARGE)
    assert found == RelayFunctions(functions=2, operators=found.operators)
    assert found.operators == {"clip": 2}
    assert found.share == pytest.approx(2 / 3)


def test_a_chain_of_poolings_behind_a_clip_is_one_function_and_the_concatenation_behind_them_another() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8))
    chain = [model.conv(image, 8, activation="RELU")]
    for _ in range(3):
        chain.append(pooled(model, chain[-1]))
    found = relay_functions(model.finish([image], [joined(model, chain)]), "x", LARGE)
    assert found.operators == {"clip": 1, "max_pool2d": 3, "concatenate": 1}
    assert found.functions == 2


def test_a_strided_slice_is_a_reshape_that_joins_the_reshape_behind_it() -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8))
    window = [model.constant(np.array(numbers, np.int32)) for numbers in ([0] * 4, [1, 16, 16, 4], [1] * 4)]
    half = model.operator("STRIDED_SLICE", [image, *window], [model.tensor((1, 16, 16, 4))], schema.StridedSliceOptionsT())
    found = relay_functions(model.finish([image], [reshaped(model, half, (1, 256, 1, 4))]), "x", LARGE)
    assert found.operators == {"reshape": 2}
    assert found.functions == 1


def test_an_operator_counts_only_where_the_rules_of_the_variant_take_it() -> None:
    model = TinyModel()
    image = model.tensor((1, 4, 8400, 1))
    data = model.finish([image], [reshaped(model, image, (1, 1, 4, 8400))])
    assert relay_functions(data, "x", SMALL).functions == 0
    assert relay_functions(data, "x", LARGE).functions == 1


def test_a_shape_is_filled_up_on_the_right_only() -> None:
    model = TinyModel()
    source = model.tensor((4, 16))
    assert relay_functions(model.finish([source], [reshaped(model, source, (1, 64))]), "x", LARGE).functions == 0
