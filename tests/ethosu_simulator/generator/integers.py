"""Operators on 32-bit integers, which no scale changes, and sums of products beyond 8 bits: whole graphs of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.graph import Graph


def _input(graph: Graph, shape: Any) -> int:
    return graph.input(shape, 1.0, 0, "INT32")


def binary(kind: str, options_type: str) -> Callable[[Graph], int]:
    """An operator of two int32 tensors, one of which may be broadcast or constant."""

    def build(graph: Graph) -> int:
        image = graph.image(high=9)
        other = graph.pick(image, image, (1, 1, 1, image[3]), (1, 1, 1, 1))
        first = _input(graph, image)
        if graph.chance(0.3):
            second = graph.constant(graph.random.integers(-1000, 1000, other).astype(np.int32) * 2 + 1, [1.0])
        else:
            second = _input(graph, other)
        options = getattr(schema, f"{options_type}T")()
        return graph.operator(kind, [first, second], graph.activation(image, 1.0, 0, "INT32"), options)

    return build


def unary(kind: str, options_type: str) -> Callable[[Graph], int]:
    """An operator of one int32 tensor."""

    def build(graph: Graph) -> int:
        image = graph.image(high=9)
        output = graph.activation(image, 1.0, 0, "INT32")
        return graph.operator(kind, [_input(graph, image)], output, getattr(schema, f"{options_type}T")())

    return build


GRAPHS: dict[str, Callable[[Graph], int]] = {
    "add_int32": binary("ADD", "AddOptions"),
    "sub_int32": binary("SUB", "SubOptions"),
    "div_int32": binary("DIV", "DivOptions"),
    "minimum_int32": binary("MINIMUM", "MaximumMinimumOptions"),
    "maximum_int32": binary("MAXIMUM", "MaximumMinimumOptions"),
    "abs_int32": unary("ABS", "AbsOptions"),
    "neg_int32": unary("NEG", "NegOptions"),
}
