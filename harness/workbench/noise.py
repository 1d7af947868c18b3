"""Seeded values for inputs that nobody has data for, each in its own type and range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Tensor

Array = NDArray[Any]
FLOATS = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
NARROW = 6
"""Standard deviations of the noise around the middle that lie in half of the range."""


def noise(graph: TfliteGraph, place: int, seed: int) -> Array:
    """Values for an input of the graph: with seed 0 a ramp over its range, then wide and narrow noise in turn.

    A quantised input takes all values of its type; a float one what its QUANTIZE turns into all of them. Wider integers may
    be indices: they are zeros.
    """
    tensor = graph.inputs[place]
    random = np.random.default_rng([seed, place] if place else seed)
    if tensor.dtype == "bool":
        return random.integers(0, 2, tensor.shape).astype(np.bool_)
    if tensor.is_float:
        return _floats(graph, tensor, seed, random)
    if tensor.dtype in ("int8", "uint8", "int16"):
        return _integers(tensor.dtype, tensor.shape, seed, random)
    return np.zeros(tensor.shape, np.dtype(tensor.dtype))


def _integers(dtype: str, shape: tuple[int, ...], seed: int, random: np.random.Generator) -> Array:
    limits = np.iinfo(dtype)
    if not seed:
        return np.resize(np.arange(limits.min, limits.max + 1, dtype=dtype), shape)
    if seed % 2:
        return random.integers(limits.min, limits.max + 1, shape, dtype=dtype)
    middle = (int(limits.min) + int(limits.max) + 1) // 2
    values: Array = np.clip(random.normal(middle, int(limits.max - middle) / NARROW, shape), limits.min, limits.max)
    return values.astype(dtype)


def _floats(graph: TfliteGraph, tensor: Tensor, seed: int, random: np.random.Generator) -> Array:
    """What the QUANTIZE behind an input turns into all integers; values of a standard normal where there is none."""
    into = _quantised(graph, tensor)
    if into is None:
        return random.standard_normal(tensor.shape).astype(FLOATS[tensor.dtype])
    integers = _integers(into.dtype, tensor.shape, seed, random)
    values: Array = (integers.astype(np.float64) - into.zero_points[0]) * into.scales[0]
    return values.astype(FLOATS[tensor.dtype])


def _quantised(graph: TfliteGraph, tensor: Tensor) -> Tensor | None:
    """What a float input becomes in the integers, None when nothing quantises it."""
    for reader in graph.consumers.get(tensor.index, ()):
        into = graph.tensors[reader.outputs[0]]
        if reader.kind == "QUANTIZE" and into.dtype in ("int8", "uint8", "int16") and into.scales:
            return into
    return None
