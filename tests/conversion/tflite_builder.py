"""Small int8 TFLite files, built operator by operator through the schema's object API."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SCALE = 0.05


class TinyModel:
    """A graph under construction; every method that adds a tensor or an operator returns the tensor's index."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]
        self.random = np.random.default_rng(7)

    def tensor(
        self, shape: tuple[int, ...], name: str = "", dtype: str = "INT8", scale: float | list[float] | None = SCALE
    ) -> int:
        """An activation without contents."""
        found = schema.TensorT()
        found.shape = list(shape)
        found.type = getattr(schema.TensorType, dtype)
        found.name = (name or f"t{len(self.tensors)}").encode()
        found.buffer = 0
        found.quantization = schema.QuantizationParametersT()
        if scale is not None:
            scales = scale if isinstance(scale, list) else [scale]
            found.quantization.scale = scales
            found.quantization.zeroPoint = [0] * len(scales)
        self.tensors.append(found)
        return len(self.tensors) - 1

    def constant(self, values: np.ndarray[Any, Any], name: str = "", scale: float | list[float] | None = None) -> int:
        """A tensor with contents."""
        index = self.tensor(values.shape, name, values.dtype.name.upper(), scale)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), dtype=np.uint8)
        self.buffers.append(buffer)
        self.tensors[index].buffer = len(self.buffers) - 1
        return index

    def operator(self, kind: str, inputs: list[int], outputs: list[int], options: Any = None, custom: str = "") -> int:
        """Any operator; `options` is an options object of the schema."""
        operator = schema.OperatorT()
        operator.inputs = inputs
        operator.outputs = outputs
        operator.opcodeIndex = self._code(kind, custom)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        self.operators.append(operator)
        return outputs[0]

    def _code(self, kind: str, custom: str) -> int:
        code = schema.OperatorCodeT()
        number = getattr(schema.BuiltinOperator, kind)
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, 127)
        code.version = 1
        code.customCode = custom.encode() if custom else None
        self.codes.append(code)
        return len(self.codes) - 1

    def conv(
        self,
        source: int,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        name: str = "",
        activation: str = "NONE",
        groups: int = 1,
    ) -> int:
        """CONV_2D with SAME padding and random weights."""
        batch, height, width, depth = self.tensors[source].shape
        weights = self.random.integers(-127, 128, (channels, kernel, kernel, depth // groups), dtype=np.int8)
        bias = self.random.integers(-100, 100, (channels,), dtype=np.int32)
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = stride
        options.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
        inputs = [source, self.constant(weights, "w", [0.01] * channels), self.constant(bias, "b", [0.01 * SCALE] * channels)]
        output = self.tensor((batch, -(-height // stride), -(-width // stride), channels), name)
        return self.operator("CONV_2D", inputs, [output], options)

    def unary(
        self, kind: str, source: int, name: str = "", options: Any = None, dtype: str = "INT8", scale: float | None = SCALE
    ) -> int:
        """An operator with one input and an output of the same shape."""
        return self.operator(kind, [source], [self.tensor(tuple(self.tensors[source].shape), name, dtype, scale)], options)

    def binary(self, kind: str, first: int, second: int, name: str = "", options: Any = None) -> int:
        """An element-wise operator of two inputs."""
        return self.operator(kind, [first, second], [self.tensor(tuple(self.tensors[first].shape), name)], options)

    def leaky(self, source: int, alpha: float = 0.1, name: str = "") -> int:
        """LEAKY_RELU."""
        options = schema.LeakyReluOptionsT()
        options.alpha = alpha
        return self.unary("LEAKY_RELU", source, name, options)

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file's bytes."""
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs, subgraph.name = inputs, outputs, b"main"
        model = schema.ModelT()
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, self.codes, [subgraph], self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def float_island(self, source: int, kind: str = "LEAKY_RELU") -> int:
        """DEQUANTIZE, a float operator, QUANTIZE."""
        floating = self.unary("DEQUANTIZE", source, "dq", dtype="FLOAT32", scale=None)
        return self.unary("QUANTIZE", self.unary(kind, floating, "island", dtype="FLOAT32", scale=None), "q")


def cpu_in_the_middle() -> bytes:
    """CONV_2D (RELU fused), FLOOR that no NPU has, CONV_2D, LEAKY_RELU, RELU6."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    floor = model.unary("FLOOR", model.conv(image, 16, 3, name="first", activation="RELU"), "floor")
    last = model.unary("RELU6", model.leaky(model.conv(floor, 8, 3, name="second"), name="leaky"), "last")
    return model.finish([image], [last])


def all_on_the_npu() -> bytes:
    """PAD, CONV_2D, LEAKY_RELU, RESHAPE, all of which every Ethos-U has."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    pads = model.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    padded = model.operator("PAD", [image, pads], [model.tensor((1, 18, 18, 8), "padded")], schema.PadOptionsT())
    convolved = model.conv(padded, 16, 3, name="convolved")
    model.operators[-1].builtinOptions.padding = schema.Padding.VALID
    model.tensors[convolved].shape = [1, 16, 16, 16]
    shape = (1, 1, 256, 16)
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    inputs = [model.leaky(convolved, name="leaky"), model.constant(np.array(shape, np.int32))]
    return model.finish([image], [model.operator("RESHAPE", inputs, [model.tensor(shape, "flat")], options)])


def island_between_convolutions() -> bytes:
    """CONV_2D, a float LEAKY_RELU between DEQUANTIZE and QUANTIZE, CONV_2D."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    return model.finish([image], [model.conv(model.float_island(model.conv(image, 16, 3)), 8, name="last")])
