"""Convolutions, pools and products as layers: (graph, source tensor) -> output tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.graph import Graph, Unsupported, reshape


def window(graph: Graph, options: Any, image: tuple[int, ...], kernel: tuple[int, int], most: int) -> tuple[Any, int, int]:
    """(options with strides and padding, output height and width)."""
    dilation = (getattr(options, "dilationHFactor", None) or 1, getattr(options, "dilationWFactor", None) or 1)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    most = min(most, graph.most_stride)
    strides = (graph.size(1, most), graph.size(1, most))
    if dilation != (1, 1):
        strides = 1, 1
    options.strideH, options.strideW = strides
    same = graph.chance(0.5) or reach[0] > image[1] or reach[1] > image[2]
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    sizes = [-(-n // s) if same else (n - r) // s + 1 for n, s, r in zip(image[1:3], strides, reach, strict=True)]
    return options, sizes[0], sizes[1]


def weights(
    graph: Graph, shape: tuple[int, ...], channels: int, dimension: int, source: int, dynamic: bool = False
) -> list[int]:
    """Weight and bias tensors; sometimes sparse, few-valued or tiny weights, one scale for all, or no bias."""
    values = graph.random.integers(-127, 128, shape)
    style = graph.pick("full", "sparse", "few", "small", "pairs")
    if style == "sparse":
        values = np.where(graph.random.random(shape) < 0.8, 0, values)
    elif style == "few":
        values = graph.random.choice([-127, -3, 0, 5, 90], shape)
    elif style == "small":
        values = values // 30
    elif style == "pairs":  # two of four in a row are zero, as U85's sparsity wants it
        flat = values.reshape(-1)
        flat[(np.arange(flat.size) // shape[-1] + np.arange(flat.size) % shape[-1]) % 4 < 2] = 0
    per_channel = graph.chance(0.7) and graph.dtype != "UINT8"
    scales = [graph.scale(0.001, 0.02) for _ in range(channels if per_channel else 1)]
    if dynamic:
        scales = scales[:1]
        kernel = graph.input(shape, scales[0], 0, "INT8")
    elif graph.dtype == "UINT8":
        kernel = graph.constant((values + 128).astype(np.uint8), scales, 128)
    else:
        kernel = graph.constant(values.astype(np.int8), scales, 0, dimension)
    if graph.chance(graph.without_bias):
        return [kernel]
    bias_scales = [graph.quantisation(source)[0] * s for s in scales]
    bias = graph.random.integers(-20000, 20000, channels).astype(np.int64 if graph.wide else np.int32)
    return [kernel, graph.constant(bias, bias_scales)]


def output_scale(graph: Graph, source: int, fan_in: int) -> float:
    """A scale near the sums' own, so that neither all outputs saturate nor all vanish; sometimes any."""
    if graph.chance(0.2) and not graph.wide:  # far beyond 16 bits TFLite's sums wrap at 32 where the NPU saturates
        return graph.scale()
    typical = graph.quantisation(source)[0] * 0.005 * 60 * np.sqrt(fan_in) / 3
    return float(np.float32(typical * np.exp(graph.random.uniform(-1.5, 1.5))))


def conv_dynamic(graph: Graph, source: int) -> int:
    """CONV_2D whose weights are an input."""
    image, channels, size = graph.shape(source), graph.size(1, 20), graph.size(1, 3)
    options, height, width = window(graph, graph.fused(schema.Conv2DOptionsT()), image, (size, size), 2)
    options.dilationHFactor = options.dilationWFactor = 1
    tensors = weights(graph, (channels, size, size, image[3]), channels, 0, source, dynamic=True)
    output = graph.activation((1, height, width, channels), output_scale(graph, source, image[3] * size * size))
    return graph.operator("CONV_2D", [source, *tensors], output, options)


def conv(graph: Graph, source: int) -> int:
    """CONV_2D, sometimes dilated or in groups."""
    image, channels = graph.shape(source), graph.size(1, graph.pick(20, 70, 140))
    kernel = graph.pick((1, 1), (3, 3), (graph.size(1, 9), graph.size(1, 9)))
    options = graph.fused(schema.Conv2DOptionsT())
    options.dilationHFactor, options.dilationWFactor = graph.pick((1, 1), (1, 1), (2, 2), (1, 2), (3, 2))
    options, height, width = window(graph, options, image, kernel, graph.pick(3, 3, 3, 5))
    if max(options.strideH, options.strideW) > 3:
        channels = min(channels, 16)  # in one block, or accumulators are kept across blocks
    depth = image[3]
    if depth % 2 == 0 and graph.chance(0.1):
        depth, channels = depth // 2, channels * 2
    tensors = weights(graph, (channels, *kernel, depth), channels, 0, source)
    scale = output_scale(graph, source, depth * kernel[0] * kernel[1])
    return graph.operator("CONV_2D", [source, *tensors], graph.activation((1, height, width, channels), scale), options)


def depthwise(graph: Graph, source: int) -> int:
    """DEPTHWISE_CONV_2D, with a multiplier where the input has one channel."""
    image = graph.shape(source)
    multiplier = graph.size(1, 20) if image[3] == 1 else 1
    kernel = graph.pick((3, 3), (graph.size(1, 9), graph.size(1, 9)))
    options = graph.fused(schema.DepthwiseConv2DOptionsT())
    options.depthMultiplier = multiplier
    options.dilationHFactor, options.dilationWFactor = graph.pick((1, 1), (1, 1), (2, 2), (2, 1))
    options, height, width = window(graph, options, image, kernel, 3)
    channels = image[3] * multiplier
    tensors = weights(graph, (1, *kernel, channels), channels, 3, source)
    scale = output_scale(graph, source, kernel[0] * kernel[1])
    output = graph.activation((1, height, width, channels), scale)
    return graph.operator("DEPTHWISE_CONV_2D", [source, *tensors], output, options)


def transpose_conv(graph: Graph, source: int) -> int:
    """TRANSPOSE_CONV, stride 1 or 2."""
    image, channels, kernel = graph.shape(source), graph.size(1, 20), graph.pick(1, 2, 3, 4, 5)
    if image[1] * image[2] > 400:
        raise Unsupported("a large transposed convolution")
    options, stride = schema.TransposeConvOptionsT(), graph.pick(1, 2, 2)
    options.strideH = options.strideW = stride
    same = graph.chance(0.5)
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    sizes = [n * stride + (0 if same else max(kernel - stride, 0)) for n in image[1:3]]
    output = (1, *sizes, channels)
    tensors = weights(graph, (channels, kernel, kernel, image[3]), channels, 0, source)
    inputs = [graph.numbers(output), tensors[0], source, *tensors[1:]]
    scale = output_scale(graph, source, image[3] * kernel * kernel)
    return graph.operator("TRANSPOSE_CONV", inputs, graph.activation(output, scale), options)


def fully_connected(graph: Graph, source: int) -> int:
    """FULLY_CONNECTED of all elements, or of rows of them."""
    shape = graph.shape(source)
    rows = graph.pick(1, int(np.prod(shape[:-1])))
    depth = int(np.prod(shape)) // rows
    if depth > 4000 or rows > 200:
        raise Unsupported("a large product")
    flat = reshape(graph, source, (rows, depth))
    channels, options = graph.size(1, 60), graph.fused(schema.FullyConnectedOptionsT())
    tensors = weights(graph, (channels, depth), channels, 0, source)
    output = graph.activation((rows, channels), output_scale(graph, source, depth))
    return graph.operator("FULLY_CONNECTED", [flat, *tensors], output, options)


def average_pool(graph: Graph, source: int) -> int:
    """AVERAGE_POOL_2D."""
    return _pool(graph, source, "AVERAGE_POOL_2D")


def max_pool(graph: Graph, source: int) -> int:
    """MAX_POOL_2D."""
    return _pool(graph, source, "MAX_POOL_2D")


def _pool(graph: Graph, source: int, kind: str) -> int:
    image = graph.shape(source)
    most = graph.pick(3, 8, 8, 12)
    kernel = graph.size(1, min(most, image[1])), graph.size(1, min(most, image[2]))
    options = graph.fused(schema.Pool2DOptionsT())
    options.filterHeight, options.filterWidth = kernel
    options, height, width = window(graph, options, image, kernel, graph.pick(2, 3, 5))
    return graph.operator(kind, [source], graph.like(source, (1, height, width, image[3])), options)


def batch_matmul(graph: Graph, source: int) -> int:
    """BATCH_MATMUL with a second input, the sides sometimes transposed."""
    _, height, width, depth = graph.shape(source)
    if height * width * depth > 20000:
        raise Unsupported("a large product")
    batch = (height,) if graph.chance(0.5) else (1, height)
    left = reshape(graph, source, (*batch, width, depth))
    options, columns = schema.BatchMatMulOptionsT(), graph.size()
    options.adjY, options.adjX = graph.chance(0.3), False
    right = graph.input((*batch, columns, depth) if options.adjY else (*batch, depth, columns))
    product = graph.quantisation(source)[0] * graph.quantisation(right)[0]
    # With a small output scale, TFLite overflows 32 bits for 16-bit products where the NPU saturates.
    product *= max(2.0, float(np.sqrt(depth)))
    scale = float(np.float32(product * np.exp(graph.random.uniform(0, np.log(10000)))))
    return graph.operator("BATCH_MATMUL", [left, right], graph.activation((*batch, width, columns), scale), options)
