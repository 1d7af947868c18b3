"""TFLite files of several subgraphs, and the operators of state in them."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.conversion.tflite_builder import TinyModel

Part = tuple[TinyModel, list[int], list[int], str]


def beside(first: TinyModel) -> TinyModel:
    """Another subgraph of the same file."""
    other = TinyModel()
    other.codes, other.buffers = first.codes, first.buffers
    return other


def finish(parts: list[Part], signatures: dict[str, int] | None = None) -> bytes:
    """The file of these subgraphs (tensors, inputs, outputs, name), with signatures by key."""
    model = schema.ModelT()
    model.version, model.operatorCodes, model.buffers = 3, parts[0][0].codes, parts[0][0].buffers
    model.subgraphs = [_subgraph(*part) for part in parts]
    model.signatureDefs = [_signature(key, number, parts[number]) for key, number in (signatures or {}).items()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _subgraph(tensors: TinyModel, inputs: list[int], outputs: list[int], name: str) -> Any:
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors.tensors, tensors.operators
    graph.inputs, graph.outputs, graph.name = inputs, outputs, name.encode()
    return graph


def _signature(key: str, number: int, part: Part) -> Any:
    found = schema.SignatureDefT()
    found.signatureKey, found.subgraphIndex = key.encode(), number
    found.inputs, found.outputs = ([_named(part[0], index) for index in side] for side in part[1:3])
    return found


def _named(tensors: TinyModel, index: int) -> Any:
    found = schema.TensorMapT()
    found.name, found.tensorIndex = tensors.tensors[index].name, index
    return found


def handle(model: TinyModel, name: str) -> int:
    """VAR_HANDLE of a resource variable."""
    options = schema.VarHandleOptionsT()
    options.container, options.sharedName = b"", name.encode()
    return model.operator("VAR_HANDLE", [], [model.tensor((), f"handle of {name}", "RESOURCE", None)], options)


def assign(model: TinyModel, variable: int, value: int) -> None:
    """ASSIGN_VARIABLE, which has no output."""
    model.operator("ASSIGN_VARIABLE", [variable, value], [-1], schema.AssignVariableOptionsT())
    model.operators[-1].outputs = []


def call_once(model: TinyModel, subgraph: int) -> None:
    """CALL_ONCE of a subgraph."""
    options = schema.CallOnceOptionsT()
    options.initSubgraphIndex = subgraph
    model.operator("CALL_ONCE", [], [-1], options)
    model.operators[-1].outputs = []


def streaming(start: int, rows: int = 3) -> bytes:
    """A streaming layer: the last rows are kept in a resource variable, which a CALL_ONCE fills with `start`."""
    main = TinyModel()
    call_once(main, 1)
    image = main.tensor((1, 1, 4, 8), "row")
    variable, shape = handle(main, "rows"), (1, rows, 4, 8)
    kept = main.operator("READ_VARIABLE", [variable], [main.tensor(shape, "kept")], schema.ReadVariableOptionsT())
    joining = schema.ConcatenationOptionsT()
    joining.axis = 1
    joined = main.operator("CONCATENATION", [kept, image], [main.tensor((1, rows + 1, 4, 8), "joined")], joining)
    begin, end, step = ([0, 1, 0, 0], [1, rows + 1, 4, 8], [1] * 4)
    cut = [joined, *(main.constant(np.array(values, np.int32)) for values in (begin, end, step))]
    newest = main.operator("STRIDED_SLICE", cut, [main.tensor(shape, "newest")], schema.StridedSliceOptionsT())
    assign(main, variable, newest)
    output = main.conv(joined, 8, 3, name="output")
    first = beside(main)
    assign(first, handle(first, "rows"), first.constant(np.full(shape, start, np.int8), "start", 0.05))
    return finish([(main, [image], [output], "main"), (first, [], [], "NoOp")], {"serving_default": 0})
