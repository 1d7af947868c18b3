"""Small random TFLite graphs of one operator each: shapes, strides and quantisation, all by seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.conversion.tflite_builder import TinyModel

Random = np.random.Generator
ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6")


@dataclass
class Graph:
    """A graph with its random source; `dtype` is the activations' type."""

    random: Random
    dtype: str
    model: TinyModel = field(default_factory=TinyModel)
    inputs: list[int] = field(default_factory=list)

    def scale(self, low: float = 0.005, high: float = 0.5) -> float:
        """A scale, log-uniform."""
        return float(np.float32(np.exp(self.random.uniform(np.log(low), np.log(high)))))

    def zero_point(self) -> int:
        """A zero point: 0 for int16, often at an end for int8."""
        if self.dtype != "INT8":
            return 0
        return int(self.random.choice([-128, 0, 127, int(self.random.integers(-128, 128))]))

    def activation(self, shape: tuple[int, ...], scale: float | None = None, zero: int | None = None, dtype: str = "") -> int:
        """A tensor without contents."""
        index = self.model.tensor(shape, dtype=dtype or self.dtype, scale=self.scale() if scale is None else scale)
        self.model.tensors[index].quantization.zeroPoint = [self.zero_point() if zero is None else zero]
        return index

    def input(self, shape: tuple[int, ...], scale: float | None = None, zero: int | None = None) -> int:
        """A graph input."""
        self.inputs.append(self.activation(shape, scale, zero))
        return self.inputs[-1]

    def quantisation(self, index: int) -> tuple[float, int]:
        """(scale, zero point) of a tensor."""
        found = self.model.tensors[index].quantization
        return float(found.scale[0]), int(found.zeroPoint[0])

    def like(self, index: int, shape: tuple[int, ...]) -> int:
        """An output with another tensor's quantisation."""
        return self.activation(shape, *self.quantisation(index))

    def constant(self, values: Any, scales: list[float] | None = None, dimension: int = 0) -> int:
        """A constant with zero points 0."""
        index = self.model.constant(np.ascontiguousarray(values), "", scales)
        if scales:
            self.model.tensors[index].quantization.quantizedDimension = dimension
        return index

    def size(self, low: int = 1, high: int = 20) -> int:
        """A random length."""
        return int(self.random.integers(low, high + 1))

    def image(self, depth: int | None = None, low: int = 1, high: int = 18) -> tuple[int, int, int, int]:
        """A random NHWC shape."""
        return 1, self.size(low, high), self.size(low, high), depth or self.size(1, 40)

    def pick(self, *choices: Any) -> Any:
        """One of the choices."""
        return choices[int(self.random.integers(len(choices)))]


def _fused(graph: Graph, options: Any) -> Any:
    options.fusedActivationFunction = getattr(schema.ActivationFunctionType, graph.pick(*ACTIVATIONS))
    return options


def _window(graph: Graph, options: Any, height: int, width: int, kernel: tuple[int, int], most: int) -> tuple[Any, int, int]:
    """(options with strides and padding, output height and width)."""
    dilation = (getattr(options, "dilationHFactor", None) or 1, getattr(options, "dilationWFactor", None) or 1)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    strides = graph.size(1, most), graph.size(1, most)
    if 2 in dilation:
        strides = 1, 1
    options.strideH, options.strideW = strides
    same = graph.random.random() < 0.5 or reach[0] > height or reach[1] > width
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    sizes = [-(-n // s) if same else (n - r) // s + 1 for n, s, r in zip((height, width), strides, reach, strict=True)]
    return options, sizes[0], sizes[1]


def _weights(graph: Graph, shape: tuple[int, ...], channels: int, dimension: int, ifm: int, wide_bias: bool) -> list[int]:
    """Weight and bias tensors; sometimes sparse, few-valued or tiny weights."""
    values = graph.random.integers(-127, 128, shape)
    style = graph.pick("full", "sparse", "few", "small")
    if style == "sparse":
        values = np.where(graph.random.random(shape) < 0.8, 0, values)
    elif style == "few":
        values = graph.random.choice([-127, -3, 0, 5, 90], shape)
    elif style == "small":
        values = values // 30
    scales = [graph.scale(0.001, 0.02) for _ in range(channels)]
    bias_scales = [graph.quantisation(ifm)[0] * s for s in scales]
    bias = graph.random.integers(-20000, 20000, channels).astype(np.int64 if wide_bias else np.int32)
    return [graph.constant(values.astype(np.int8), scales, dimension), graph.constant(bias, bias_scales)]


def conv(graph: Graph) -> int:
    """CONV_2D."""
    shape, channels = graph.image(), graph.size(1, 70)
    kernel = graph.pick((1, 1), (3, 3), (graph.size(1, 9), graph.size(1, 9)))
    ifm, options = graph.input(shape), _fused(graph, schema.Conv2DOptionsT())
    options.dilationHFactor = options.dilationWFactor = graph.pick(1, 1, 2)
    options, height, width = _window(graph, options, shape[1], shape[2], kernel, 3)
    weights = _weights(graph, (channels, *kernel, shape[3]), channels, 0, ifm, graph.dtype == "INT16")
    return graph.model.operator("CONV_2D", [ifm, *weights], [graph.activation((1, height, width, channels))], options)


def depthwise(graph: Graph) -> int:
    """DEPTHWISE_CONV_2D."""
    shape = graph.image()
    kernel = graph.pick((3, 3), (graph.size(1, 9), graph.size(1, 9)))
    ifm, options = graph.input(shape), _fused(graph, schema.DepthwiseConv2DOptionsT())
    options.depthMultiplier = 1
    options.dilationHFactor = options.dilationWFactor = graph.pick(1, 1, 2)
    options, height, width = _window(graph, options, shape[1], shape[2], kernel, 3)
    weights = _weights(graph, (1, *kernel, shape[3]), shape[3], 3, ifm, graph.dtype == "INT16")
    output = graph.activation((1, height, width, shape[3]))
    return graph.model.operator("DEPTHWISE_CONV_2D", [ifm, *weights], [output], options)


def transpose_conv(graph: Graph) -> int:
    """TRANSPOSE_CONV, stride 2."""
    shape, channels, kernel = graph.image(low=2, high=10), graph.size(1, 20), graph.pick(2, 3, 4)
    ifm, options = graph.input(shape), schema.TransposeConvOptionsT()
    options.strideH = options.strideW = 2
    same = graph.random.random() < 0.5
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    sizes = [n * 2 + (0 if same else max(kernel - 2, 0)) for n in shape[1:3]]
    output = (1, *sizes, channels)
    weights, bias = _weights(graph, (channels, kernel, kernel, shape[3]), channels, 0, ifm, graph.dtype == "INT16")
    inputs = [graph.constant(np.array(output, np.int32)), weights, ifm, bias]
    return graph.model.operator("TRANSPOSE_CONV", inputs, [graph.activation(output)], options)


def fully_connected(graph: Graph) -> int:
    """FULLY_CONNECTED."""
    rows, depth, channels = graph.pick(1, 1, graph.size(1, 8)), graph.size(1, 200), graph.size(1, 60)
    ifm, options = graph.input((rows, depth)), _fused(graph, schema.FullyConnectedOptionsT())
    scale = graph.scale(0.001, 0.02)
    weights = graph.constant(graph.random.integers(-127, 128, (channels, depth)).astype(np.int8), [scale])
    kind = np.int64 if graph.dtype == "INT16" else np.int32
    bias = graph.constant(graph.random.integers(-9000, 9000, channels).astype(kind), [graph.quantisation(ifm)[0] * scale])
    return graph.model.operator("FULLY_CONNECTED", [ifm, weights, bias], [graph.activation((rows, channels))], options)


def _pool(kind: str) -> Callable[[Graph], int]:
    def build(graph: Graph) -> int:
        shape = graph.image(low=2)
        kernel = graph.size(1, min(8, shape[1])), graph.size(1, min(8, shape[2]))
        ifm, options = graph.input(shape), _fused(graph, schema.Pool2DOptionsT())
        options.filterHeight, options.filterWidth = kernel
        options, height, width = _window(graph, options, shape[1], shape[2], kernel, 3)
        return graph.model.operator(kind, [ifm], [graph.like(ifm, (1, height, width, shape[3]))], options)

    return build


def _product_scale(graph: Graph, kind: str, operands: list[int]) -> float | None:
    """An output scale for 16-bit products: with a ratio above 1, TFLite Micro overflows 32 bits where the NPU saturates."""
    if graph.dtype != "INT16" or kind not in ("MUL", "SQUARED_DIFFERENCE"):
        return None
    scales = [graph.quantisation(index)[0] for index in operands]
    product = scales[0] * scales[1] if kind == "MUL" else 4 * max(scales) ** 2
    return float(np.float32(product * np.exp(graph.random.uniform(np.log(2), np.log(20000)))))


def _binary(kind: str, options_type: str, same_scale: bool = False) -> Callable[[Graph], int]:
    def build(graph: Graph) -> int:
        shape = graph.image()
        other = graph.pick(
            shape, shape, (1, 1, 1, shape[3]), (1, 1, 1, 1), (1, shape[1], 1, shape[3]), (1, shape[1], shape[2], 1)
        )
        first = graph.input(shape)
        quantisation = graph.quantisation(first) if same_scale or graph.random.random() < 0.3 else (None, None)
        if graph.random.random() < 0.3 and other != shape:
            limit = np.iinfo(graph.dtype.lower())
            values = graph.random.integers(limit.min, limit.max + 1, other).astype(graph.dtype.lower())
            second = graph.constant(values, [quantisation[0] or graph.scale()])
            graph.model.tensors[second].quantization.zeroPoint = [
                graph.zero_point() if quantisation[1] is None else quantisation[1]
            ]
        else:
            second = graph.input(other, *quantisation)
        order = [first, second] if graph.random.random() < 0.6 else [second, first]
        options = getattr(schema, f"{options_type}T")() if options_type else None
        if options is not None and hasattr(options, "fusedActivationFunction"):
            options = _fused(graph, options)
        output = graph.like(first, shape) if same_scale else graph.activation(shape, _product_scale(graph, kind, order))
        return graph.model.operator(kind, order, [output], options)

    return build


def _unary(
    kind: str, fixed: tuple[float, int] | None = None, options_type: str = "", same: bool = False
) -> Callable[[Graph], int]:
    def build(graph: Graph) -> int:
        shape = graph.image()
        ifm = graph.input(shape)
        scale, zero = fixed or (None, None)
        if fixed and graph.dtype == "INT16":
            scale, zero = 1 / 32768, 0
        if same:
            scale, zero = graph.quantisation(ifm)
        options: Any = getattr(schema, f"{options_type}T")() if options_type else None
        if kind == "LEAKY_RELU":
            options.alpha = graph.pick(0.1, 0.01, 0.3, -0.2, 1.5)
        if kind == "SOFTMAX":
            options.beta = 1.0
        return graph.model.operator(kind, [ifm], [graph.activation(shape, scale, zero)], options)

    return build


def _resize(kind: str, options_type: str) -> Callable[[Graph], int]:
    def build(graph: Graph) -> int:
        shape = graph.image(high=10)
        factor = graph.pick(2, 4)
        size = [shape[1] * factor, shape[2] * factor]
        options = getattr(schema, f"{options_type}T")()
        options.alignCorners = False
        options.halfPixelCenters = graph.pick(False, True)
        ifm = graph.input(shape)
        inputs = [ifm, graph.constant(np.array(size, np.int32))]
        return graph.model.operator(kind, inputs, [graph.like(ifm, (1, *size, shape[3]))], options)

    return build


def concatenation(graph: Graph) -> int:
    """CONCATENATION along a random axis, scales equal or not."""
    shape, axis = graph.image(), graph.size(1, 3)
    other = tuple(graph.size() if i == axis else n for i, n in enumerate(shape))
    output = tuple(n + other[i] if i == axis else n for i, n in enumerate(shape))
    first = graph.input(shape)
    second = graph.input(other, *graph.quantisation(first))
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    return graph.model.operator("CONCATENATION", [first, second], [graph.like(first, output)], options)


def pad(graph: Graph) -> int:
    """PAD in height, width and depth."""
    shape = graph.image()
    pads = [[0, 0]] + [[graph.size(0, 4), graph.size(0, 4)] for _ in range(3)]
    output = tuple(n + sum(p) for n, p in zip(shape, pads, strict=True))
    ifm = graph.input(shape)
    return graph.model.operator(
        "PAD", [ifm, graph.constant(np.array(pads, np.int32))], [graph.like(ifm, output)], schema.PadOptionsT()
    )


def strided_slice(graph: Graph) -> int:
    """STRIDED_SLICE, strides 1 or 2."""
    shape = graph.image(low=3)
    begin = [0, *(graph.size(0, n // 2) for n in shape[1:])]
    end = [1, *(graph.size(b + 1, n) for b, n in zip(begin[1:], shape[1:], strict=True))]
    strides = [1, graph.pick(1, 2), graph.pick(1, 2), 1]
    output = tuple(-(-(e - b) // s) for b, e, s in zip(begin, end, strides, strict=True))
    ifm = graph.input(shape)
    constants = [graph.constant(np.array(values, np.int32)) for values in (begin, end, strides)]
    return graph.model.operator("STRIDED_SLICE", [ifm, *constants], [graph.like(ifm, output)], schema.StridedSliceOptionsT())


def transpose(graph: Graph) -> int:
    """TRANSPOSE of height, width and depth."""
    shape = graph.image()
    order = [0, *(int(i) + 1 for i in graph.random.permutation(3))]
    ifm = graph.input(shape)
    inputs = [ifm, graph.constant(np.array(order, np.int32))]
    return graph.model.operator(
        "TRANSPOSE", inputs, [graph.like(ifm, tuple(shape[i] for i in order))], schema.TransposeOptionsT()
    )


def _reduce(kind: str) -> Callable[[Graph], int]:
    def build(graph: Graph) -> int:
        shape = graph.image(low=2)
        axes = graph.pick([1, 2], [1], [2], [3])
        output = tuple(1 if i in axes else n for i, n in enumerate(shape))
        options = schema.ReducerOptionsT()
        options.keepDims = True
        ifm = graph.input(shape)
        result = graph.like(ifm, output) if kind.startswith("REDUCE") else graph.activation(output)
        return graph.model.operator(kind, [ifm, graph.constant(np.array(axes, np.int32))], [result], options)

    return build


def batch_matmul(graph: Graph) -> int:
    """BATCH_MATMUL of two inputs."""
    rows, inner, columns = graph.size(), graph.size(1, 60), graph.size()
    first, second = graph.input((1, rows, inner)), graph.input((1, inner, columns))
    options = schema.BatchMatMulOptionsT()
    output = graph.activation((1, rows, columns), _product_scale(graph, "MUL", [first, second]))
    return graph.model.operator("BATCH_MATMUL", [first, second], [output], options)


def prelu(graph: Graph) -> int:
    """PRELU with one alpha per channel."""
    shape = graph.image()
    alpha = graph.constant(graph.random.integers(-127, 128, (1, 1, shape[3])).astype(np.int8), [graph.scale(0.001, 0.02)])
    return graph.model.operator("PRELU", [graph.input(shape), alpha], [graph.activation(shape)])


def arg_max(graph: Graph) -> int:
    """ARG_MAX over depth."""
    shape = graph.image(depth=graph.size(2, 60))
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    output = graph.model.tensor(shape[:3], dtype="INT32", scale=None)
    inputs = [graph.input(shape), graph.constant(np.array([3], np.int32))]
    return graph.model.operator("ARG_MAX", inputs, [output], options)


OPERATORS: dict[str, Callable[[Graph], int]] = {
    "conv": conv,
    "depthwise": depthwise,
    "transpose_conv": transpose_conv,
    "fully_connected": fully_connected,
    "average_pool": _pool("AVERAGE_POOL_2D"),
    "max_pool": _pool("MAX_POOL_2D"),
    "add": _binary("ADD", "AddOptions"),
    "sub": _binary("SUB", "SubOptions"),
    "mul": _binary("MUL", "MulOptions"),
    "minimum": _binary("MINIMUM", "MaximumMinimumOptions", same_scale=True),
    "maximum": _binary("MAXIMUM", "MaximumMinimumOptions", same_scale=True),
    "squared_difference": _binary("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
    "abs": _unary("ABS", same=True),
    "leaky_relu": _unary("LEAKY_RELU", options_type="LeakyReluOptions"),
    "relu": _unary("RELU"),
    "relu6": _unary("RELU6", same=True),
    "hard_swish": _unary("HARD_SWISH"),
    "logistic": _unary("LOGISTIC", (1 / 256, -128)),
    "tanh": _unary("TANH", (1 / 128, 0)),
    "exp": _unary("EXP"),
    "quantize": _unary("QUANTIZE"),
    "softmax": _unary("SOFTMAX", (1 / 256, -128), "SoftmaxOptions"),
    "resize_nearest": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "resize_bilinear": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "concatenation": concatenation,
    "pad": pad,
    "strided_slice": strided_slice,
    "transpose": transpose,
    "mean": _reduce("MEAN"),
    "sum": _reduce("SUM"),
    "reduce_max": _reduce("REDUCE_MAX"),
    "batch_matmul": batch_matmul,
    "prelu": prelu,
    "arg_max": arg_max,
}


def build(name: str, dtype: str, seed: int) -> bytes:
    """The TFLite file of one case."""
    graph = Graph(np.random.default_rng(seed), dtype)
    output = OPERATORS[name](graph)
    return graph.model.finish(graph.inputs, [output])
