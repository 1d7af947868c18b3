"""Element-wise operators as layers: (graph, source tensor) -> output tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.graph import Graph, Unsupported

Layer = Callable[[Graph, int], int]
CURVES = {"LOGISTIC": {"INT8": (1 / 256, -128), "UINT8": (1 / 256, 0), "INT16": (1 / 32768, 0)},
          "TANH": {"INT8": (1 / 128, 0), "UINT8": (1 / 128, 128), "INT16": (1 / 32768, 0)}}  # fmt: skip
# Beyond these input scales TFLite's curve degenerates (TANH is -1 at 0), or Vela's table of EXP overflows.
STEEPEST = {"TANH": 4.0, "LOGISTIC": 0.25, "EXP": 0.05, "SOFTMAX": 8.0}
CURVES["SOFTMAX"] = CURVES["LOGISTIC"]


def _product_scale(graph: Graph, kind: str, operands: list[int]) -> float | None:
    """An output scale for 16-bit products: with a ratio above 1, TFLite Micro overflows 32 bits where the NPU saturates."""
    if kind not in ("MUL", "SQUARED_DIFFERENCE") or not (graph.wide or graph.chance(0.7)):
        return None
    scales = [graph.quantisation(index)[0] for index in operands]
    product = scales[0] * scales[1] if kind == "MUL" else 4 * max(scales) ** 2
    return float(np.float32(product * np.exp(graph.random.uniform(np.log(2), np.log(20000 if graph.wide else 300)))))


def partner(graph: Graph, source: int, same_scale: bool = False) -> int:
    """A second operand: of the same shape, broadcast, a constant or a scalar; an input, or the source itself."""
    image = graph.shape(source)
    other = graph.pick(image, image, (1, 1, 1, image[3]), (1, 1, 1, 1), (1, image[1], 1, image[3]), (*image[:3], 1))
    scale, zero = graph.quantisation(source)
    if not same_scale and graph.chance(0.7):
        scale, zero = scale * float(np.exp(graph.random.uniform(-3, 3))), graph.zero_point()
        scale = float(np.float32(scale))
    if graph.chance(0.3):
        return graph.constant(graph.elements(other), [scale], zero)
    return graph.input(other, scale, zero)


def binary(kind: str, options_type: str = "", same_scale: bool = False) -> Layer:
    """A layer of two operands in random order."""

    def build(graph: Graph, source: int) -> int:
        order = [source, partner(graph, source, same_scale)]
        if graph.chance(0.4):
            order.reverse()
        options: Any = getattr(schema, f"{options_type}T")() if options_type else None
        if options is not None and hasattr(options, "fusedActivationFunction"):
            graph.fused(options)
        if same_scale:
            output = graph.like(source)
        else:
            near = graph.quantisation(source)[0] * float(np.exp(graph.random.uniform(-1, 2)))
            output = graph.activation(graph.shape(source), _product_scale(graph, kind, order) or float(np.float32(near)))
        return graph.operator(kind, order, output, options)

    return build


def unary(kind: str, options_type: str = "", same: bool = False) -> Layer:
    """A layer of one operand."""

    def build(graph: Graph, source: int) -> int:
        source = bounded(graph, source, STEEPEST.get(kind))
        scale, zero = CURVES.get(kind, {}).get(graph.dtype, (None, None))
        if same:
            scale, zero = graph.quantisation(source)
        elif scale is None and graph.chance(0.8):
            scale = float(np.float32(graph.quantisation(source)[0] * np.exp(graph.random.uniform(-1.5, 1.5))))
        options: Any = getattr(schema, f"{options_type}T")() if options_type else None
        if kind == "LEAKY_RELU":
            options.alpha = graph.pick(0.1, 0.01, 0.3, -0.2, 1.5)
        if kind == "SOFTMAX":
            options.beta = graph.pick(1.0, 1.0, 0.5)
        if kind == "GELU":
            options.approximate = graph.chance(0.5)
        return graph.operator(kind, [source], graph.activation(graph.shape(source), scale, zero), options)

    return build


def bounded(graph: Graph, source: int, steepest: float | None) -> int:
    """The tensor at a scale of at most `steepest`."""
    if steepest is None or graph.quantisation(source)[0] <= steepest:
        return source
    moved = graph.activation(graph.shape(source), graph.scale(steepest / 20, steepest))
    return graph.operator("QUANTIZE", [source], moved, schema.QuantizeOptionsT())


def quantize(graph: Graph, source: int) -> int:
    """QUANTIZE to the same type with another quantisation."""
    near = float(np.float32(graph.quantisation(source)[0] * np.exp(graph.random.uniform(-2, 2))))
    return graph.operator("QUANTIZE", [source], graph.activation(graph.shape(source), near), schema.QuantizeOptionsT())


def quantize_other(graph: Graph, source: int) -> int:
    """QUANTIZE to the other width and back again, so that the graph goes on."""
    other = {"INT8": "INT16", "INT16": "INT8", "UINT8": "INT8"}[graph.dtype]
    scale = graph.quantisation(source)[0]
    there = graph.activation(graph.shape(source), float(np.float32(scale * graph.pick(0.01, 0.5, 1.7))), 0, other)
    middle = graph.operator("QUANTIZE", [source], there, schema.QuantizeOptionsT())
    back = graph.activation(graph.shape(source), float(np.float32(scale * 1.3)))
    return graph.operator("QUANTIZE", [middle], back, schema.QuantizeOptionsT())


def neg(graph: Graph, source: int) -> int:
    """NEG with zero points 0: TFLite's kernel takes the integers' own negative."""
    if graph.dtype not in ("INT8", "INT16"):
        raise Unsupported("unsigned")
    centred = graph.activation(graph.shape(source), graph.quantisation(source)[0], 0)
    graph.operator("QUANTIZE", [source], centred, schema.QuantizeOptionsT())
    # Without the lowest value, whose negative wraps in TFLite and saturates in the NPU.
    lowest = graph.constant(np.full((1, 1, 1, 1), -127 if graph.dtype == "INT8" else -32767, graph.dtype.lower()), [1.0])
    graph.model.tensors[lowest].quantization.scale = [graph.quantisation(centred)[0]]
    bounded = graph.operator("MAXIMUM", [centred, lowest], graph.like(centred), schema.MaximumMinimumOptionsT())
    return graph.operator("NEG", [bounded], graph.like(bounded), schema.NegOptionsT())


def rsqrt(graph: Graph, source: int) -> int:
    """RSQRT of absolute values: it is not defined for negative ones."""
    positive = graph.operator("ABS", [source], graph.like(source))
    return graph.operator("RSQRT", [positive], graph.activation(graph.shape(source)))


def prelu(graph: Graph, source: int) -> int:
    """PRELU with one alpha per channel."""
    if graph.dtype != "INT8":
        raise Unsupported("PRELU of 16 bits")
    image = graph.shape(source)
    values = graph.random.integers(-127, 128, (1, 1, image[3])).astype(np.int8)
    if graph.chance(0.3):
        values = np.abs(values)
    alpha = graph.constant(values, [graph.scale(0.001, 0.02)])
    near = float(np.float32(graph.quantisation(source)[0] * np.exp(graph.random.uniform(-1, 1))))
    return graph.operator("PRELU", [source, alpha], graph.activation(image, near))


def comparable(graph: Graph, source: int) -> int:
    """The tensor at a scale at which neighbours stay apart in TFLite's comparison, which multiplies by 256 times the scale."""
    if 0.02 < graph.quantisation(source)[0] < 0.9:
        return source
    moved = graph.activation(graph.shape(source), graph.scale(0.03, 0.8))
    return graph.operator("QUANTIZE", [source], moved, schema.QuantizeOptionsT())


def compare(kind: str) -> Layer:
    """A comparison, and SELECT_V2 of two tensors by its result."""

    def build(graph: Graph, source: int) -> int:
        shape, source = graph.shape(source), comparable(graph, source)
        other = partner(graph, source, same_scale=True)
        flags = graph.model.tensor(shape, dtype="BOOL", scale=None)
        graph.operator(kind, [source, other], flags, getattr(schema, _camel(kind) + "OptionsT")())
        if graph.chance(0.5):
            graph.operator("LOGICAL_NOT", [flags], flags := graph.model.tensor(shape, dtype="BOOL", scale=None))
        second = graph.input(shape, *graph.quantisation(source))
        return graph.operator("SELECT_V2", [flags, source, second], graph.like(source), schema.SelectV2OptionsT())

    return build


def logical(kind: str) -> Layer:
    """Two comparisons and a logical operator of them, then SELECT_V2."""

    def build(graph: Graph, source: int) -> int:
        shape, flags, source = graph.shape(source), [], comparable(graph, source)
        second = graph.input(shape, *graph.quantisation(source))
        for compare_kind in ("LESS", "NOT_EQUAL"):
            flags.append(graph.model.tensor(shape, dtype="BOOL", scale=None))
            graph.operator(compare_kind, [source, second], flags[-1], getattr(schema, _camel(compare_kind) + "OptionsT")())
        both = graph.model.tensor(shape, dtype="BOOL", scale=None)
        graph.operator(kind, flags, both, getattr(schema, _camel(kind) + "OptionsT")())
        return graph.operator("SELECT_V2", [both, source, second], graph.like(source), schema.SelectV2OptionsT())

    return build


def _camel(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_"))


LAYERS: dict[str, Layer] = {
    "add": binary("ADD", "AddOptions"),
    "sub": binary("SUB", "SubOptions"),
    "mul": binary("MUL", "MulOptions"),
    "minimum": binary("MINIMUM", "MaximumMinimumOptions", same_scale=True),
    "maximum": binary("MAXIMUM", "MaximumMinimumOptions", same_scale=True),
    "squared_difference": binary("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
    "abs": unary("ABS", same=True),
    "neg": neg,
    "leaky_relu": unary("LEAKY_RELU", "LeakyReluOptions"),
    "relu": unary("RELU"),
    "relu6": unary("RELU6", same=True),
    "relu_n1_to_1": unary("RELU_N1_TO_1", same=True),
    "relu_0_to_1": unary("RELU_0_TO_1", same=True),
    "hard_swish": unary("HARD_SWISH", "HardSwishOptions"),
    "logistic": unary("LOGISTIC"),
    "tanh": unary("TANH"),
    "elu": unary("ELU"),
    "gelu": unary("GELU", "GeluOptions"),
    "exp": unary("EXP", "ExpOptions"),
    "log": unary("LOG"),
    "rsqrt": rsqrt,
    "softmax": unary("SOFTMAX", "SoftmaxOptions"),
    "quantize": quantize,
    "quantize_other": quantize_other,
    "prelu": prelu,
    "equal": compare("EQUAL"),
    "not_equal": compare("NOT_EQUAL"),
    "greater": compare("GREATER"),
    "greater_equal": compare("GREATER_EQUAL"),
    "less": compare("LESS"),
    "less_equal": compare("LESS_EQUAL"),
    "logical_and": logical("LOGICAL_AND"),
    "logical_or": logical("LOGICAL_OR"),
}
