"""Stretches of random layers that stay within a size, and the layers between them that no NPU has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.cases import LAYERS
from tests.ethosu_simulator.generator.graph import Graph, Unsupported, as_image

MOST_ELEMENTS, LEAST_SIDE = 8000, 5
USUAL = (
    "conv",
    "conv",
    "depthwise",
    "average_pool",
    "max_pool",
    "relu",
    "leaky_relu",
    "add",
    "pad",
    "concatenation",
    "hard_swish",
)
LAYERS_OF = {
    "INT8": (*USUAL, "mul", "logistic", "tanh", "minimum", "prelu"),
    "INT16": ("conv", "conv", "depthwise", "average_pool", "max_pool", "add", "pad", "concatenation", "logistic", "tanh"),
    "UINT8": tuple(name for name in USUAL if not name.endswith("_pool")),  # TFLite Micro could not run one that Vela leaves
}


@dataclass
class ExactGraph(Graph):
    """A graph whose scales are powers of two, so that float32 products of them are exact (departure 2 of the decisions)."""

    def scale(self, low: float | None = None, high: float | None = None) -> float:
        """A power of two, near what the random scale would be."""
        return float(2.0 ** round(math.log2(super().scale(low, high))))


def body(graph: Graph, at: int, count: int, names: tuple[str, ...] = ()) -> int:
    """`count` layers after a tensor; small images grow again, large ones are cut down by pooling."""
    done = 0
    while done < count:
        at = as_image(graph, at)
        _, height, width, depth = graph.shape(at)
        chosen = names or LAYERS_OF[graph.dtype]
        if min(height, width) < LEAST_SIDE:
            # TFLite Micro, which runs what Vela leaves to the CPU, has no uint8 resizing.
            at, done = LAYERS["pad"](graph, at) if graph.dtype == "UINT8" else grown(graph, at), done + 1
            continue
        if height * width * depth > MOST_ELEMENTS:
            at, done = squeezed(graph, at), done + 1
            continue
        try:
            at = LAYERS[graph.pick(*chosen)](graph, at)
        except Unsupported:
            continue
        done += 1
    return as_image(graph, at)


def grown(graph: Graph, at: int) -> int:
    """Twice as high and wide or more, by nearest neighbours."""
    _, height, width, depth = graph.shape(at)
    options = schema.ResizeNearestNeighborOptionsT()
    size = [max(2, LEAST_SIDE * 2 // height) * height, max(2, LEAST_SIDE * 2 // width) * width]
    return graph.operator("RESIZE_NEAREST_NEIGHBOR", [at, graph.numbers(size)], graph.like(at, (1, *size, depth)), options)


def squeezed(graph: Graph, at: int) -> int:
    """Half as high and wide, by the largest of four."""
    _, height, width, depth = graph.shape(at)
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = options.strideH = options.strideW = 2
    options.padding = schema.Padding.SAME
    return graph.operator("MAX_POOL_2D", [at], graph.like(at, (1, -(-height // 2), -(-width // 2), depth)), options)


def on_the_cpu(graph: Graph, at: int) -> int:
    """An operator that no Ethos-U has: CUMSUM along the rows, without overflow in most places."""
    options = schema.CumsumOptionsT()
    options.exclusive = graph.chance(0.3)
    axis = graph.model.constant(np.array(int(graph.pick(1, 2)), np.int32))
    return graph.operator("CUMSUM", [at, axis], graph.like(at), options)
