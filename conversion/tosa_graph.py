"""A TOSA file (.tosa) as a graph of the same form as a TFLite file's: operators of TOSA's kinds, tensors without scales.

Source: TOSA 1.0 `tosa.fbs` of the serialization library (field numbers, types and operators).
"""

from __future__ import annotations

import hashlib
from math import prod
from pathlib import Path

from core.errors import ModelError, UsageError
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Operator, OptionValue, Tensor
from ethosu_simulator.container import MAX_DIMENSIONS, MAX_INDICES, can_be
from ethosu_simulator.errors import ContainerError
from ethosu_simulator.flatbuffer import Table, root

IDENTIFIER = b"TOSA"
DTYPES = {1: "bool", 3: "int8", 4: "int16", 5: "int32", 7: "float32", 8: "float16", 17: "int64"}
OPERATORS = (
    "UNKNOWN", "ARGMAX", "AVG_POOL2D", "CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "FFT2D", "MATMUL", "MAX_POOL2D",
    "RFFT2D", "TRANSPOSE_CONV2D", "CLAMP", "ERF", "SIGMOID", "TANH", "ADD", "ARITHMETIC_RIGHT_SHIFT",
    "BITWISE_AND", "BITWISE_OR", "BITWISE_XOR", "INTDIV", "LOGICAL_AND", "LOGICAL_LEFT_SHIFT",
    "LOGICAL_RIGHT_SHIFT", "LOGICAL_OR", "LOGICAL_XOR", "MAXIMUM", "MINIMUM", "MUL", "POW", "SUB", "TABLE", "ABS",
    "BITWISE_NOT", "CEIL", "CLZ", "COS", "EXP", "FLOOR", "LOG", "LOGICAL_NOT", "NEGATE", "RECIPROCAL", "RSQRT",
    "SIN", "SELECT", "EQUAL", "GREATER", "GREATER_EQUAL", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN",
    "REDUCE_PRODUCT", "REDUCE_SUM", "CONCAT", "PAD", "RESHAPE", "REVERSE", "SLICE", "TILE", "TRANSPOSE", "GATHER",
    "SCATTER", "RESIZE", "CAST", "RESCALE", "CONST", "IDENTITY", "CUSTOM", "COND_IF", "WHILE_LOOP", "VARIABLE",
    "VARIABLE_WRITE", "VARIABLE_READ", "CONST_SHAPE",
)  # fmt: skip
CONSTANTS = frozenset({"CONST", "CONST_SHAPE"})
NO_TENSOR = -1
"""The place of an operand that is a shape."""
WEIGHTED = frozenset({"CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "TRANSPOSE_CONV2D", "MATMUL"})
DILATION = {"CONV2D": 2, "DEPTHWISE_CONV2D": 2}
"""Kind -> the field of its attribute with the dilation, y and x."""


def read_tosa(path: Path) -> TfliteGraph:
    """The graph; UsageError when the file is missing, ModelError when it is damaged or no TOSA.

    Its operators are numbered as in the file, constants left out. `weights` is the fingerprint of the constants that operators
    with MACs read.
    """
    if not path.is_file():
        raise UsageError(f"`{path}` does not exist", "a TOSA file (.tosa)")
    try:
        return _graph(path.read_bytes(), path.name)
    except ContainerError as error:
        raise ModelError(f"`{path.name}` is no TOSA graph that can be read: {error}", "a .tosa of TOSA 1.0") from error


def _graph(data: bytes, name: str) -> TfliteGraph:
    regions = root(memoryview(data), IDENTIFIER).tables(1)
    blocks = regions[0].tables(1) if regions else []
    if not blocks:
        raise ContainerError("a TOSA file without a block of operators: expected one")
    block, tables = blocks[0], blocks[0].tables(2)
    tensors = tuple(_tensor(index, table) for index, table in enumerate(tables))
    places = {shape.text(0): NO_TENSOR for shape in block.tables(5)} | {tensor.name: tensor.index for tensor in tensors}
    every = [_operator(index, table, tensors, places) for index, table in enumerate(block.tables(1))]
    operators = tuple(operator for operator in every if operator.kind not in CONSTANTS)
    return TfliteGraph(
        name=name,
        operators=operators,
        tensors=tensors,
        inputs=tuple(_boundary(one, tensors, places) for one in block.texts(3, MAX_INDICES)),
        outputs=tuple(_boundary(one, tensors, places) for one in block.texts(4, MAX_INDICES)),
        weights=_weights(operators, tensors, tables),
        structure=_structure(operators, tensors),
    )


def _tensor(index: int, table: Table) -> Tensor:
    shape, code = table.numbers(1, MAX_DIMENSIONS), table.number(2, "I")
    return Tensor(
        index=index,
        name=table.text(0),
        shape=tuple(shape) if can_be(shape) else (),
        dtype=DTYPES.get(code, f"type {code}"),
        constant=len(table.bytes(3)) > 0,
    )


def _operator(index: int, table: Table, tensors: tuple[Tensor, ...], places: dict[str, int]) -> Operator:
    number = table.number(0, "I")
    kind = OPERATORS[number] if number < len(OPERATORS) else f"operator {number}"
    sides = [_places(table.texts(field, MAX_INDICES), kind, places) for field in (3, 4)]
    inputs, outputs = sides
    shapes = [[tensors[place].shape if place >= 0 else () for place in side] for side in sides]
    return Operator(
        index=index,
        kind=kind,
        inputs=inputs,
        outputs=outputs,
        output_name=tensors[outputs[0]].name if outputs and outputs[0] >= 0 else "",
        macs=_macs(kind, *shapes),
        options=_dilation(kind, table),
    )


def _places(names: list[str], kind: str, places: dict[str, int]) -> tuple[int, ...]:
    missing = [name for name in names if name not in places]
    if missing:
        raise ContainerError(f"{kind} names tensor `{missing[0]}`, which is not in the block")
    return tuple(places[name] for name in names)


def _dilation(kind: str, table: Table) -> dict[str, OptionValue]:
    attribute = table.table(2) if kind in DILATION else None
    numbers = attribute.numbers(DILATION[kind], MAX_DIMENSIONS) if attribute else []
    return dict(zip(("dilationHFactor", "dilationWFactor"), numbers, strict=False))


def _macs(kind: str, inputs: list[tuple[int, ...]], outputs: list[tuple[int, ...]]) -> int:
    """Products that the operator's definition asks for; 0 for kinds without any, and for operands of another rank."""
    if kind not in WEIGHTED or len(inputs) < 2 or not outputs:
        return 0
    taken, weights, made = inputs[0], inputs[1], outputs[0]
    if kind == "MATMUL":
        return prod(made) * taken[-1] if taken else 0
    if kind == "TRANSPOSE_CONV2D":
        return prod(taken) * prod(weights[:3]) if len(weights) == 4 else 0
    if kind == "DEPTHWISE_CONV2D":
        return prod(made) * prod(weights[:2]) if len(weights) == 4 else 0
    return prod(made) * prod(weights[1:]) if weights else 0


def _boundary(name: str, tensors: tuple[Tensor, ...], places: dict[str, int]) -> Tensor:
    if places.get(name, NO_TENSOR) < 0:
        raise ContainerError(f"tensor `{name}` goes in or out and is not in the block")
    tensor = tensors[places[name]]
    if not tensor.shape or tensor.dtype not in DTYPES.values():
        raise ContainerError(f"tensor `{name}` of shape {list(tensor.shape)} and {tensor.dtype} goes in or out")
    return tensor


def _weights(operators: tuple[Operator, ...], tensors: tuple[Tensor, ...], tables: list[Table]) -> str:
    """SHA-256 over shape, type and bytes of the constants that operators with MACs read, in order."""
    digest = hashlib.sha256()
    for operator in operators:
        for place in operator.inputs if operator.kind in WEIGHTED else ():
            if place >= 0 and tensors[place].constant:
                digest.update(repr((tensors[place].shape, tensors[place].dtype)).encode())
                digest.update(tables[place].bytes(3))
    return digest.hexdigest()


def _structure(operators: tuple[Operator, ...], tensors: tuple[Tensor, ...]) -> str:
    """SHA-256 over kinds, wiring, shapes and types, without names and the values of constants."""
    parts = [
        (
            one.kind,
            one.inputs,
            one.outputs,
            [(tensors[place].shape, tensors[place].dtype) for place in one.outputs if place >= 0],
        )
        for one in operators
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()
