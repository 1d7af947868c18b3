"""A random graph under construction: every draw comes from one seeded source, every size can be capped to shrink a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.conversion.tflite_builder import TinyModel

Random = np.random.Generator
ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")
SCALES = {"usual": (0.005, 0.5), "wide": (0.0005, 4.0), "extreme": (1e-5, 50.0)}
LIMITS = {"INT8": (-128, 127), "INT16": (-32768, 32767), "UINT8": (0, 255), "INT32": (-(2**31), 2**31 - 1), "BOOL": (0, 1)}


class Unsupported(Exception):
    """The operator has no such case, for instance one without the type."""


@dataclass
class Graph:
    """A graph with its random source; `dtype` is the activations' type, `cap` bounds every drawn size."""

    random: Random
    dtype: str
    cap: int = 1 << 20
    model: TinyModel = field(default_factory=TinyModel)
    inputs: list[int] = field(default_factory=list)
    style: str = "usual"
    without_bias: float = 0.15
    most_stride: int = 1 << 20

    def __post_init__(self) -> None:
        """Draws how scales are spread in this graph."""
        self.style = self.pick("usual", "usual", "usual", "wide", "extreme")

    @property
    def wide(self) -> bool:
        """True for 16-bit activations, whose biases have 64 bits."""
        return self.dtype == "INT16"

    def pick(self, *choices: Any) -> Any:
        """One of the choices."""
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return bool(self.random.random() < share)

    def size(self, low: int = 1, high: int = 20) -> int:
        """A random length."""
        return min(int(self.random.integers(low, high + 1)), max(low, self.cap))

    def image(self, depth: int | None = None, low: int = 1, high: int = 18) -> tuple[int, int, int, int]:
        """A random NHWC shape; sometimes one with many channels or many columns."""
        kind = self.pick("usual", "usual", "usual", "usual", "deep", "large")
        if kind == "large":
            high *= 3
        channels = self.size(1, 150 if kind == "deep" else 40)
        return 1, self.size(low, high), self.size(low, high), depth or channels

    def scale(self, low: float | None = None, high: float | None = None) -> float:
        """A scale, log-uniform."""
        least, most = SCALES[self.style]
        return float(np.float32(np.exp(self.random.uniform(np.log(low or least), np.log(high or most)))))

    def zero_point(self) -> int:
        """A zero point: often at an end of the type; 0 for 16 and 32 bits."""
        if self.dtype not in ("INT8", "UINT8"):
            return 0
        least = -128 if self.dtype == "INT8" else 0
        return least + int(self.pick(0, 128, 255, int(self.random.integers(256))))

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape."""
        return tuple(self.model.tensors[index].shape)

    def quantisation(self, index: int) -> tuple[float, int]:
        """(scale, zero point) of a tensor."""
        found = self.model.tensors[index].quantization
        return float(found.scale[0]), int(found.zeroPoint[0])

    def activation(self, shape: Any, scale: float | None = None, zero: int | None = None, dtype: str = "") -> int:
        """A tensor without contents, of a random quantisation where none is given."""
        scale = self.scale() if scale is None else scale
        zero = self.zero_point() if zero is None else zero
        index = self.model.tensor(tuple(shape), dtype=dtype or self.dtype, scale=scale)
        self.model.tensors[index].quantization.zeroPoint = [zero]
        return index

    def like(self, index: int, shape: Any = None) -> int:
        """An output with another tensor's quantisation (and shape)."""
        return self.activation(self.shape(index) if shape is None else shape, *self.quantisation(index))

    def input(self, shape: Any, scale: float | None = None, zero: int | None = None, dtype: str = "") -> int:
        """A graph input."""
        self.inputs.append(self.activation(shape, scale, zero, dtype))
        return self.inputs[-1]

    def constant(self, values: Any, scales: list[float] | None = None, zero: int = 0, dimension: int = 0) -> int:
        """A constant; with `scales` a quantised one, with several of them along `dimension`."""
        index = self.model.constant(np.ascontiguousarray(values), "", scales)
        if scales:
            self.model.tensors[index].quantization.quantizedDimension = dimension
            self.model.tensors[index].quantization.zeroPoint = [zero] * len(scales)
        return index

    def numbers(self, values: Any) -> int:
        """A constant of 32-bit integers, such as a shape."""
        return self.constant(np.array(values, np.int32))

    def elements(self, shape: Any, dtype: str = "") -> Any:
        """Random elements over the whole range of the type."""
        low, high = LIMITS[dtype or self.dtype]
        return self.random.integers(low, high + 1, shape).astype((dtype or self.dtype).lower())

    def operator(self, kind: str, inputs: list[int], output: int, options: Any = None) -> int:
        """The output of an operator just added."""
        return self.model.operator(kind, inputs, [output], options)

    def fused(self, options: Any) -> Any:
        """The options with a random fused activation."""
        options.fusedActivationFunction = getattr(schema.ActivationFunctionType, self.pick(*ACTIVATIONS))
        return options

    def finish(self, outputs: list[int]) -> bytes:
        """The file."""
        return self.model.finish(self.inputs, outputs)


def as_image(graph: Graph, source: int) -> int:
    """The tensor itself where it has four dimensions, else a RESHAPE of it."""
    shape = graph.shape(source)
    if len(shape) == 4 and shape[0] == 1:
        return source
    return reshape(graph, source, (1, 1, max(1, int(np.prod(shape[:-1]))), shape[-1]))


def reshape(graph: Graph, source: int, shape: tuple[int, ...]) -> int:
    """RESHAPE."""
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    return graph.operator("RESHAPE", [source, graph.numbers(shape)], graph.like(source, shape), options)
