"""The kinds of networks: each a function of a graph and a length in operators to its outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.cases import LAYERS
from tests.ethosu_simulator.generator.graph import Graph, Unsupported, reshape
from tests.ethosu_simulator.generator.sequences import lstm_layer
from tests.ethosu_simulator.networks.bodies import ExactGraph, body, grown, on_the_cpu, squeezed

Outputs = list[int]


def _image(graph: Graph) -> int:
    return graph.input((1, graph.size(10, 18), graph.size(10, 18), graph.size(3, 24)))


def plain(graph: Graph, length: int) -> Outputs:
    """Layers one after another; an output in the middle, too."""
    middle = body(graph, _image(graph), length // 2)
    return [body(graph, middle, length - length // 2), middle]


def islands(graph: Graph, length: int) -> Outputs:
    """NPU operators with CPU operators between; what an early one made is read behind a late one."""
    parts = graph.pick(3, 4, 5)
    first = at = body(graph, _image(graph), max(1, length // parts))
    for _ in range(parts - 1):
        at = body(graph, on_the_cpu(graph, at), max(1, length // parts - 1))
    other = on_the_cpu(graph, LAYERS["leaky_relu"](graph, first))
    return [at, LAYERS["relu"](graph, other), first]


def shuffled(graph: Graph, length: int) -> Outputs:
    """Halves of the channels, one through CPU operators, joined again: several operators write parts of one tensor."""
    at = body(graph, _image(graph), max(1, length // 4))
    for _ in range(3):
        height, width, depth = graph.shape(at)[1:]
        left = LAYERS["leaky_relu"](graph, at)
        right = on_the_cpu(graph, LAYERS["hard_swish"](graph, at))
        options = schema.ConcatenationOptionsT()
        options.axis = 3
        same = graph.quantisation(left)
        ends = [left, graph.operator("QUANTIZE", [right], graph.activation(graph.shape(right), *same))]
        joined = graph.operator("CONCATENATION", ends, graph.activation((1, height, width, 2 * depth), *same), options)
        at = body(graph, joined, max(1, length // 4 - 5))
    return [at]


def two_inputs(graph: Graph, length: int) -> Outputs:
    """Two images of one shape, each with layers of its own, added."""
    shape = (1, graph.size(10, 16), graph.size(10, 16), graph.size(3, 16))
    ends = [body(graph, graph.input(shape), max(1, length // 4), ("relu", "leaky_relu", "hard_swish")) for _ in range(2)]
    options = graph.fused(schema.AddOptionsT())
    scale = sum(graph.quantisation(end)[0] for end in ends)
    joined = graph.operator("ADD", ends, graph.activation(shape, scale), options)
    return [body(graph, joined, length // 2)]


def transposed(graph: Graph, length: int) -> Outputs:
    """Convolutions down, transposed ones up again."""
    at = body(graph, _image(graph), max(1, length // 2), ("conv", "depthwise", "max_pool", "leaky_relu"))
    for _ in range(max(2, length // 8)):
        at = body(graph, _fitting(graph, at, ("transpose_conv",)), 2, ("conv", "relu"))
    return [at]


def resized(graph: Graph, length: int) -> Outputs:
    """Resizings of both kinds between layers."""
    at = _image(graph)
    for _ in range(max(2, length // 6)):
        at = _fitting(graph, body(graph, at, 4), ("resize_nearest", "resize_bilinear"))
    return [body(graph, at, 3)]


def _fitting(graph: Graph, at: int, names: tuple[str, ...]) -> int:
    """One of these layers, of a smaller image when the draw is too large."""
    for _ in range(20):
        try:
            return LAYERS[graph.pick(*names)](graph, at)
        except Unsupported:
            at = squeezed(graph, at) if min(graph.shape(at)[1:3]) > 3 else at
    return grown(graph, at)


def softmax(graph: Graph, length: int) -> Outputs:
    """SOFTMAX over channels in the middle, its output a mask for what it came from."""
    at = body(graph, _image(graph), max(1, length // 3))
    for _ in range(2):
        mask = LAYERS["softmax"](graph, at)
        scale = graph.quantisation(at)[0] * graph.quantisation(mask)[0] * 40
        options = graph.fused(schema.MulOptionsT())
        at = body(graph, graph.operator("MUL", [at, mask], graph.activation(graph.shape(at), scale), options), length // 3)
    return [at]


def state(graph: Graph, length: int) -> Outputs:
    """Layers, an LSTM over the rows of their image, layers."""
    at = body(graph, _image(graph), max(1, length // 2))
    _, height, width, depth = graph.shape(at)
    rows = reshape(graph, at, (1, height, width * depth))
    output = lstm_layer(graph, rows, zero_point=graph.pick(0, -7, 12))
    shape = graph.shape(output)
    return [body(graph, reshape(graph, output, (1, shape[1], 1, shape[2])), max(1, length // 3))]


KINDS: dict[str, tuple[Callable[[Graph, int], Outputs], str, type[Graph]]] = {
    "uint8": (plain, "UINT8", ExactGraph),
    "int16": (plain, "INT16", ExactGraph),
    "int8": (plain, "INT8", Graph),
    "islands": (islands, "INT8", Graph),
    "shuffled": (shuffled, "INT8", Graph),
    "two inputs": (two_inputs, "INT8", Graph),
    "transposed": (transposed, "INT8", Graph),
    "resized": (resized, "INT8", Graph),
    "softmax": (softmax, "INT8", Graph),
    "state": (state, "INT8", Graph),
}
LENGTHS = (6, 9, 13, 64, 16)
"""In operators, by seed: each kind has one of more than 50."""


def build(kind: str, seed: int) -> bytes:
    """The network of that kind and seed."""
    make, dtype, graph_type = KINDS[kind]
    graph = graph_type(np.random.default_rng([7, sorted(KINDS).index(kind), seed]), dtype)
    graph.style = "usual"
    if dtype == "UINT8":  # what Vela leaves has no kernel in TFLite Micro, and TFLite's convolution wants a bias
        graph.without_bias, graph.most_stride = 0.0, 2
    return graph.finish(make(graph, LENGTHS[seed % len(LENGTHS)]))
