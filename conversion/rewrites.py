"""Changes to a TFLite file that may move an operator to the NPU, made on a copy so that Vela can be asked.

A rewrite takes the copy and the index of an operator, changes the copy and returns True, or leaves it alone and returns False.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

DTYPES_OF_NUMPY = {"int32": schema.TensorType.INT32}
KINDS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
PADDED_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D")
BUFFER_ALIGNMENT = 16
"""`force_align` of Buffer.data in TFLite's schema, bytes."""


def constants_behind(data: bytes) -> int:
    """How many constants of a TFLite file lie behind its flatbuffer (`offset` and `size` of a buffer, as LiteRT writes them).

    Vela before 5.0 does not know these fields and reads such a constant as empty: it leaves the operator to the CPU and
    writes a file without its weights.
    """
    model = schema.Model.GetRootAs(data, 0)
    return sum(buffer.Offset() > 1 and buffer.Size() > 0 for buffer in map(model.Buffers, range(model.BuffersLength())))


def self_contained(data: bytes) -> bytes:
    """The same TFLite file with every constant inside the flatbuffer, where every reader finds it; the same bytes if it was."""
    return ModelCopy(data).to_bytes() if constants_behind(data) else data


def _lies_behind(buffer: Any) -> bool:
    return bool(buffer.offset > 1 and buffer.size > 0)


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer that is written at a multiple of 16 bytes, as the schema's `force_align` says; flatbuffers itself does not."""

    def __init__(self, buffer: Any) -> None:
        super().__init__()
        self.data = None if buffer.data is None else np.asarray(buffer.data, np.uint8)
        self.offset, self.size = buffer.offset, buffer.size

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the name that the generated code calls
        """The offset of the packed table."""
        vector = _aligned_vector(builder, self.data.tobytes()) if self.data is not None else None
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        schema.BufferAddOffset(builder, self.offset)
        schema.BufferAddSize(builder, self.size)
        return schema.BufferEnd(builder)


def _aligned_vector(builder: Any, content: bytes) -> Any:
    builder.StartVector(1, len(content), BUFFER_ALIGNMENT)
    builder.head -= len(content)
    builder.Bytes[builder.head : builder.head + len(content)] = content
    builder.vectorNumElems = len(content)
    return builder.EndVector()


class ModelCopy:
    """A TFLite file as mutable objects; `operators` and `tensors` are those of its one subgraph."""

    def __init__(self, data: bytes) -> None:
        self.model: Any = schema.ModelT.InitFromPackedBuf(data, 0)
        self.subgraph: Any = self.model.subgraphs[0]
        self.operators: list[Any] = list(self.subgraph.operators)
        self.tensors: list[Any] = list(self.subgraph.tensors)
        self._operators_at_start = tuple(self.operators)
        for buffer in filter(_lies_behind, self.model.buffers):
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0

    def operator(self, index: int) -> Any:
        """The operator that had this index in the file, wherever rewrites have moved it."""
        return self._operators_at_start[index]

    def kind(self, operator: Any) -> str:
        """The builtin name of an operator."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return str(KINDS[number])

    def code(self, kind: str) -> int:
        """Index of a new operator code of this kind."""
        number = getattr(schema.BuiltinOperator, kind)
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def like(self, tensor: int, shape: list[int]) -> int:
        """Index of a new activation with another shape, of the same type and quantisation."""
        twin = schema.TensorT()
        model = self.tensors[tensor]
        twin.shape, twin.type, twin.quantization, twin.buffer = shape, model.type, model.quantization, 0
        twin.name = (model.name or b"") + b"_padded"
        self.tensors.append(twin)
        return len(self.tensors) - 1

    def constant(self, values: np.ndarray[Any, Any]) -> int:
        """Index of a new constant."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.shape, tensor.type = list(values.shape), DTYPES_OF_NUMPY[values.dtype.name]
        tensor.buffer, tensor.name = len(self.model.buffers) - 1, b"rewrite_constant"
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def made(self, kind: str, inputs: list[int], output: int, options: Any) -> Any:
        """A new operator, not yet among `operators`."""
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = self.code(kind), inputs, [output]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operator.builtinOptions = options
        return operator

    def readers(self, tensor: int) -> list[Any]:
        """The operators that read a tensor."""
        return [operator for operator in self.operators if tensor in list(operator.inputs)]

    def producer(self, tensor: int) -> Any:
        """The operator that writes a tensor, None for a constant or an input of the graph."""
        return next((operator for operator in self.operators if tensor in list(operator.outputs)), None)

    def keep_first_graph(self) -> None:
        """Drop every other graph of the file, with the signatures that lead to them."""
        self.model.subgraphs = [self.subgraph]
        self.model.signatureDefs = [each for each in self.model.signatureDefs or [] if each.subgraphIndex == 0] or None

    def to_bytes(self) -> bytes:
        """The changed file, all of it inside the flatbuffer, with its constants where TFLite wants them aligned."""
        self.subgraph.operators, self.subgraph.tensors = self.operators, self.tensors
        self.model.buffers = [_AlignedBuffer(buffer) for buffer in self.model.buffers]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@dataclass(frozen=True)
class Rewrite:
    """A change with what it says to a reader; `exact` when the changed model computes the same numbers."""

    text: str
    exact: bool
    apply: Callable[[ModelCopy, int], bool]


def _same_padding(size: int, out: int, kernel: int, stride: int) -> tuple[int, int]:
    """What SAME pads before and after, at dilation 1."""
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _pad_then_valid(copy: ModelCopy, index: int) -> bool:
    """SAME padding as a PAD operator of its own: same numbers, since PAD fills with the zero point.

    Vela 5.2 folds a PAD straight before a convolution back into it and then fails on the large stride it promised to take; a
    MAX_POOL_2D of one element between the two changes nothing and keeps them apart.
    """
    operator = copy.operator(index)
    options = operator.builtinOptions
    if copy.kind(operator) not in PADDED_KINDS or options.padding != schema.Padding.SAME:
        return False
    source, weights = copy.tensors[operator.inputs[0]], copy.tensors[operator.inputs[1]]
    out = copy.tensors[operator.outputs[0]].shape
    rows = _same_padding(source.shape[1], out[1], weights.shape[1], options.strideH)
    columns = _same_padding(source.shape[2], out[2], weights.shape[2], options.strideW)
    if any((*rows, *columns)):
        shape = [source.shape[0], source.shape[1] + sum(rows), source.shape[2] + sum(columns), source.shape[3]]
        pads = copy.constant(np.array([(0, 0), rows, columns, (0, 0)], np.int32))
        padded, kept = copy.like(operator.inputs[0], shape), copy.like(operator.inputs[0], shape)
        at = copy.operators.index(operator)
        copy.operators[at:at] = [
            copy.made("PAD", [operator.inputs[0], pads], padded, schema.PadOptionsT()),
            copy.made("MAX_POOL_2D", [padded], kept, _pool_of_one()),
        ]
        operator.inputs = [kept, *list(operator.inputs)[1:]]
    options.padding = schema.Padding.VALID
    return True


def _pool_of_one() -> Any:
    """Options of a pooling that changes nothing."""
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = options.strideH = options.strideW = 1
    options.padding = schema.Padding.VALID
    return options


def _without_island(copy: ModelCopy, index: int) -> bool:
    """A float operator between DEQUANTIZEs and QUANTIZEs computes on the int8 tensors instead."""
    operator = copy.operator(index)
    if copy.kind(operator) in ("DEQUANTIZE", "QUANTIZE"):
        return False
    before = [copy.producer(tensor) for tensor in operator.inputs]
    after = [reader for output in operator.outputs for reader in copy.readers(output)]
    whole = len(after) == len(operator.outputs) == 1 and copy.kind(after[0]) == "QUANTIZE"
    if not whole or not all(found is not None and copy.kind(found) == "DEQUANTIZE" for found in before):
        return False
    operator.inputs = [found.inputs[0] for found in before]
    operator.outputs = list(after[0].outputs)
    copy.operators.remove(after[0])
    for found in before:
        if found in copy.operators and not copy.readers(found.outputs[0]):
            copy.operators.remove(found)
    return True


def _square_as_product(copy: ModelCopy, index: int) -> bool:
    """SQUARE(x) as MUL(x, x); TFLite has no int8 kernel of SQUARE that would show the same numbers."""
    operator = copy.operator(index)
    operator.opcodeIndex = copy.code("MUL")
    operator.inputs = [operator.inputs[0], operator.inputs[0]]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.MulOptions, schema.MulOptionsT()
    return True


def _as_relu(copy: ModelCopy, index: int) -> bool:
    """Any operator of one input and an output of its shape as RELU."""
    operator = copy.operator(index)
    tensors = [copy.tensors[tensor] for tensor in (operator.inputs[0], operator.outputs[0])]
    if len(operator.inputs) != 1 or list(tensors[0].shape) != list(tensors[1].shape) or tensors[0].type != tensors[1].type:
        return False
    operator.opcodeIndex = copy.code("RELU")
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.NONE, None
    return True


PAD_THEN_VALID = Rewrite(
    "convolve with VALID padding after a PAD that a 1x1 MAX_POOL keeps apart, or at an input size that needs none",
    True,
    _pad_then_valid,
)
WITHOUT_ISLAND = Rewrite("quantise the operator too, so that no float tensor is left around it", False, _without_island)
SQUARE_AS_PRODUCT = Rewrite("multiply the tensor with itself (MUL) instead of SQUARE", False, _square_as_product)
AS_RELU = Rewrite("use an operator that the NPU has in its place; tried with RELU, for its cost only", False, _as_relu)
