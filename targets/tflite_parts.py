"""TFLite files made of others for TFLite Micro: the operators that Vela left to the CPU, and files with all data inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

KINDS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
MAX_ELEMENT_BYTES = 8


@dataclass(frozen=True)
class Segment:
    """A run of CPU operators as a file: `inputs` and `outputs` are tensor indices of the file it was cut from.

    `names` are those of the outputs, `kinds` the operators' names in order, `tensor_bytes` an upper bound of what its
    activations take.
    """

    content: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    tensor_bytes: int


def cut(content: bytes, positions: Sequence[int], subgraph: int = 0) -> Segment:
    """The operators at these positions of a subgraph, with their constants and variables; all that they make is its output.

    Variables stay inside and keep their values there.
    """
    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[subgraph]
    model.subgraphs = [graph]
    operators = [graph.operators[position] for position in positions]
    outputs = _tensors(operators, "outputs")
    inside = {
        index for index in range(len(graph.tensors)) if graph.tensors[index].isVariable or _is_constant(model, graph, index)
    }
    inputs = [index for index in _tensors(operators, "inputs") if index not in outputs and index not in inside]
    kept = list(dict.fromkeys([*_tensors(operators, "inputs"), *outputs, *_intermediates(operators)]))
    names = tuple((graph.tensors[index].name or b"").decode("utf-8", "replace") for index in outputs)
    _keep(model, content, operators, kept, (inputs, outputs))
    return Segment(
        content=_packed(model),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        names=names,
        kinds=tuple(_kind(model, operator) for operator in operators),
        tensor_bytes=sum(map(_bytes_at_most, model.subgraphs[0].tensors)),
    )


def self_contained(content: bytes) -> bytes:
    """The same model with every constant inside the flatbuffer.

    ai-edge-quantizer writes weights behind it; TFLite Micro does not look there, takes them for activations, and computes
    with zeros without a word.
    """
    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    outside = [buffer for buffer in model.buffers if buffer.offset > 1 and buffer.size > 0]
    for buffer in outside:
        buffer.data = _data(buffer, content)
        buffer.offset = buffer.size = 0
    return _packed(model) if outside else content


def keeps_state(content: bytes) -> bool:
    """Whether a run of the file depends on the runs before it: variables, of tensors or by handle."""
    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    codes = {max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes}
    return schema.BuiltinOperator.VAR_HANDLE in codes or any(t.isVariable for graph in model.subgraphs for t in graph.tensors)


def _bytes_at_most(tensor: Any) -> int:
    sides = tensor.shape if tensor.shape is not None else ()  # a scalar has no shape
    return math.prod(abs(int(side)) for side in sides) * MAX_ELEMENT_BYTES


def _tensors(operators: Sequence[Any], side: str) -> list[int]:
    """Tensor indices in order, each once, left-out ones not."""
    found = [int(index) for operator in operators for index in getattr(operator, side)]
    return [index for index in dict.fromkeys(found) if index >= 0]


def _intermediates(operators: Sequence[Any]) -> list[int]:
    """Tensors that operators such as LSTM list beside their inputs and outputs."""
    return [int(index) for operator in operators if operator.intermediates is not None for index in operator.intermediates]


def _is_constant(model: Any, graph: Any, index: int) -> bool:
    buffer = model.buffers[graph.tensors[index].buffer]
    return buffer.size > 0 or (buffer.data is not None and len(buffer.data) > 0)


def _keep(model: Any, content: bytes, operators: list[Any], kept: list[int], ends: tuple[list[int], list[int]]) -> None:
    """Reduce the model to these operators and tensors; metadata (the other file's arena plan) and signatures go."""
    graph = model.subgraphs[0]
    new = {index: position for position, index in enumerate(kept)} | {-1: -1}
    buffers = [schema.BufferT()]
    tensors = [graph.tensors[index] for index in kept]
    for tensor in tensors:
        data = _data(model.buffers[tensor.buffer], content)
        tensor.buffer = len(buffers) if data is not None else 0
        if data is not None:
            made = schema.BufferT()
            made.data = data
            buffers.append(made)
    for operator in operators:
        operator.inputs = [new[int(index)] for index in operator.inputs]
        operator.outputs = [new[int(index)] for index in operator.outputs]
        if operator.intermediates is not None:
            operator.intermediates = [new[int(index)] for index in operator.intermediates]
    graph.tensors, graph.operators = tensors, operators
    graph.inputs, graph.outputs = ([new[index] for index in side] for side in ends)
    model.buffers, model.metadata, model.signatureDefs, model.metadataBuffer = buffers, [], [], []


def _data(buffer: Any, content: bytes) -> Any:
    """A constant's bytes, wherever the file keeps them; None for an activation."""
    if buffer.offset > 1 and buffer.size > 0:
        return np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
    return buffer.data if buffer.data is not None and len(buffer.data) else None


def _kind(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return str(code.customCode.decode() if number == schema.BuiltinOperator.CUSTOM else KINDS.get(number, f"builtin {number}"))


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def every_tensor(content: bytes) -> tuple[bytes, tuple[int, ...]]:
    """The same model with every operator's output as an output of the graph, and their tensor indices in that order."""
    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    outputs = _tensors(list(graph.operators), "outputs")
    for buffer in model.buffers:
        if buffer.offset > 1 and buffer.size > 0:
            buffer.data = _data(buffer, content)
            buffer.offset = buffer.size = 0
    graph.outputs, model.metadata, model.signatureDefs, model.metadataBuffer = outputs, [], [], []
    return _packed(model), tuple(outputs)
