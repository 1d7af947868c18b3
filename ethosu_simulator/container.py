"""A Vela-compiled TFLite file -> its `ethos-u` operators, their constant regions, and where tensors lie in the arena.

Source: TensorFlow Lite schema v3 (field numbers), and ethos-u-vela 5.2.0 `ethosu/regor/tflite/` for the custom operator's
inputs (command stream, read-only data, scratch, fast scratch, then the real inputs) and the metadata `OfflineMemoryAllocation`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ethosu_simulator.errors import ContainerError
from ethosu_simulator.flatbuffer import Table, root

DTYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float64",
    12: "uint64",
    15: "uint32",
    16: "uint16",
}
MAX_TENSOR_ELEMENTS = 1 << 30
MAX_DIMENSIONS = 16
MAX_INDICES = 1 << 12  # of one operator or subgraph


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file: `data` is empty unless constant; `offset` is its place in the arena, or -1."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    data: bytes | memoryview
    offset: int
    is_variable: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of its elements; ContainerError when its type has no such size."""
        if self.dtype not in DTYPES.values():
            raise ContainerError(
                f"tensor {self.index} `{self.name}` has {self.dtype}: expected one of {sorted(DTYPES.values())}"
            )
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Operator:
    """One operator: `name` is `ethos-u`, another custom code, or `builtin N`; tensors by index, -1 where left out."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Container:
    """What the simulator needs of a compiled file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def parse(data: bytes) -> Container:
    """The container in a TFLite file with one subgraph."""
    model = root(memoryview(data), b"TFL3")
    subgraphs = model.tables(2)
    if len(subgraphs) != 1:
        raise ContainerError(f"{len(subgraphs)} subgraphs: expected one")
    graph, buffers = subgraphs[0], model.tables(4)
    codes = [_operator_name(code) for code in model.tables(1)]
    offsets = _offsets(model, buffers)
    tensors = tuple(_tensor(i, table, buffers, offsets) for i, table in enumerate(graph.tables(0)))
    operators, named = [], 0
    for table in graph.tables(3):
        operators.append(_operator(table, codes, len(tensors)))
        named += len(operators[-1].inputs) + len(operators[-1].outputs)
        if named > len(data):
            raise ContainerError(f"operators name {named} tensors in a file of {len(data)} bytes: its vectors overlap")
    return Container(tensors, tuple(operators), _indices(graph, 1, len(tensors)), _indices(graph, 2, len(tensors)))


def _operator_name(code: Table) -> str:
    builtin = max(code.number(0, "b"), code.number(3, "i"))
    return code.text(1) if builtin == 32 else f"builtin {builtin}"


def _operator(table: Table, codes: list[str], tensor_count: int) -> Operator:
    code = table.number(0, "I")
    if code >= len(codes):
        raise ContainerError(f"operator code {code}: the file has {len(codes)}")
    return Operator(codes[code], _indices(table, 1, tensor_count), _indices(table, 2, tensor_count))


def _indices(table: Table, field: int, tensor_count: int) -> tuple[int, ...]:
    numbers = tuple(table.numbers(field, MAX_INDICES))
    if any(not -1 <= n < tensor_count for n in numbers):
        raise ContainerError(f"tensor indices {numbers}: expected -1..{tensor_count - 1}")
    return numbers


def can_be(shape: Sequence[int]) -> bool:
    """Whether numpy can hold a tensor of that shape: it multiplies dimensions beside a 0 as well."""
    return all(n >= 0 for n in shape) and math.prod(max(n, 1) for n in shape) <= MAX_TENSOR_ELEMENTS


def _tensor(index: int, table: Table, buffers: list[Table], offsets: list[int]) -> Tensor:
    kind, shape = table.number(1, "b"), tuple(table.numbers(0, MAX_DIMENSIONS))
    buffer = table.number(2, "I")
    if not can_be(shape) or buffer >= max(1, len(buffers)):
        raise ContainerError(f"tensor {index}: shape {shape}, buffer {buffer} of {len(buffers)}")
    data = buffers[buffer].bytes(0) if buffers else b""
    offset = offsets[index] if index < len(offsets) else -1
    return Tensor(index, table.text(3), shape, DTYPES.get(kind, f"type {kind}"), data, offset, bool(table.number(5, "B")))


def _offsets(model: Table, buffers: list[Table]) -> list[int]:
    """Arena offsets by tensor index, from metadata: version, subgraph, count, then one int32 per tensor."""
    for entry in model.tables(6):
        if bytes(entry.bytes(0)[:64]) == b"OfflineMemoryAllocation":
            at = entry.number(1, "I")
            data = buffers[at].bytes(0) if at < len(buffers) else b""
            numbers = struct.unpack(f"<{len(data) // 4}i", data[: len(data) // 4 * 4])
            if len(numbers) < 3 or numbers[2] != len(numbers) - 3:
                raise ContainerError("metadata OfflineMemoryAllocation is damaged")
            return list(numbers[3:])
    return []
