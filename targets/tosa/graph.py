"""A TOSA file (.tosa) as its operators, inputs and outputs.

Source: TOSA 1.0 `tosa.fbs` of the serialization library (field numbers, types and operators).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelError, UsageError
from ethosu_simulator.container import MAX_DIMENSIONS, MAX_INDICES, can_be
from ethosu_simulator.errors import ContainerError
from ethosu_simulator.flatbuffer import Table, root

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(frozen=True)
class TosaTensor:
    """A tensor that goes into a graph or comes out of it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class TosaGraph:
    """The first block of a file: how many operators of each kind, constants left out, and what goes in and out."""

    operators: Mapping[str, int]
    inputs: tuple[TosaTensor, ...]
    outputs: tuple[TosaTensor, ...]


def read_tosa(path: Path) -> TosaGraph:
    """The graph; UsageError when the file is missing, ModelError when it is damaged or no TOSA."""
    if not path.is_file():
        raise UsageError(f"`{path}` does not exist", "a TOSA file (.tosa)")
    try:
        return _graph(path.read_bytes())
    except ContainerError as error:
        raise ModelError(f"`{path.name}` is no TOSA graph that can be read: {error}", "a .tosa of TOSA 1.0") from error


def _graph(data: bytes) -> TosaGraph:
    regions = root(memoryview(data), IDENTIFIER).tables(1)
    blocks = regions[0].tables(1) if regions else []
    if not blocks:
        raise ContainerError("a TOSA file without a block of operators: expected one")
    block = blocks[0]
    tensors = {table.text(0): table for table in block.tables(2)}
    kinds = Counter(_kind(table) for table in block.tables(1))
    return TosaGraph(
        operators={kind: count for kind, count in kinds.most_common() if kind not in CONSTANTS},
        inputs=tuple(_tensor(name, tensors) for name in block.texts(3, MAX_INDICES)),
        outputs=tuple(_tensor(name, tensors) for name in block.texts(4, MAX_INDICES)),
    )


def _kind(operator: Table) -> str:
    number = operator.number(0, "I")
    return OPERATORS[number] if number < len(OPERATORS) else f"operator {number}"


def _tensor(name: str, tensors: Mapping[str, Table]) -> TosaTensor:
    if name not in tensors:
        raise ContainerError(f"tensor `{name}` goes in or out and is not in the block")
    shape, code = tensors[name].numbers(1, MAX_DIMENSIONS), tensors[name].number(2, "I")
    if not can_be(shape) or code not in DTYPES:
        raise ContainerError(f"tensor `{name}` of shape {shape} and type {code}")
    return TosaTensor(name, tuple(shape), DTYPES[code])
