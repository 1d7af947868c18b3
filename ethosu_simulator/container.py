"""A Vela-compiled TFLite file -> its `ethos-u` operators, their constant regions, and where tensors lie in the arena.

Source: TensorFlow Lite schema v3 (field numbers), and ethos-u-vela 5.2.0 `ethosu/regor/tflite/` for the custom operator's
inputs (command stream, read-only data, scratch, fast scratch, then the real inputs) and the metadata `OfflineMemoryAllocation`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ethosu_simulator.builtins import builtin_name
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
MAX_SUBGRAPHS = 64
SUBGRAPH_FIELDS = {"CALL_ONCE": (0,), "IF": (0, 1), "WHILE": (0, 1)}  # of the options: the subgraphs that it runs


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file: `data` is empty unless constant; `offset` is its place in the arena, or -1.

    A variable keeps its value between runs; its first is `start_byte` in every byte.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    data: bytes | memoryview
    offset: int
    is_variable: bool = False
    zero_point: int = 0

    @property
    def start_byte(self) -> int:
        """What each byte of a variable holds first: the zero point of int8, as TFLite Micro sets it, else 0."""
        return self.zero_point & 0xFF if self.dtype == "int8" else 0

    @cached_property
    def numpy_dtype(self) -> np.dtype[Any]:
        """Its type as numpy's; ContainerError when numpy has none."""
        if self.dtype not in DTYPES.values():
            raise ContainerError(
                f"tensor {self.index} `{self.name}` has {self.dtype}: expected one of {sorted(DTYPES.values())}"
            )
        return np.dtype(self.dtype)

    @cached_property
    def size_bytes(self) -> int:
        """Bytes of its elements; ContainerError when its type has no such size."""
        return math.prod(self.shape) * self.numpy_dtype.itemsize


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator: `name` is `ethos-u`, another custom code, or TFLite's name; tensors by index, -1 where left out.

    `graph` and `position` are its place in the file. `variable` names what a VAR_HANDLE handles; `subgraphs` are those that a
    CALL_ONCE, IF or WHILE runs.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    graph: int = 0
    position: int = 0
    variable: str = ""
    subgraphs: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Container:
    """What the simulator needs of a compiled file: one subgraph, and those that its CALL_ONCE operators run.

    `signatures` names every subgraph that can be run on its own, the one at hand, `signature`, among them.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signature: str = ""
    signatures: tuple[str, ...] = ("",)
    called: Mapping[int, Container] = field(default_factory=dict)


def parse(data: bytes, signature: str | None = None) -> Container:
    """The container in a TFLite file: the subgraph of that signature, or the first that no operator calls."""
    model = root(memoryview(data), b"TFL3")
    subgraphs, buffers = model.tables(2), model.tables(4)
    if not 1 <= len(subgraphs) <= MAX_SUBGRAPHS:
        raise ContainerError(f"{len(subgraphs)} subgraphs: expected 1 to {MAX_SUBGRAPHS}")
    reader = _Reader(data, model, buffers, subgraphs)
    graphs = [reader.graph(number) for number in range(len(subgraphs))]
    called = {number for graph in graphs for operator in graph.operators for number in operator.subgraphs}
    if any(not 0 < number < len(graphs) for number in called):
        raise ContainerError(f"operators call subgraphs {sorted(called)}: expected 1..{len(graphs) - 1}")
    names = _signatures(model, subgraphs, called)
    chosen = next((number for number, name in names.items() if signature in (None, name)), None)
    if chosen is None:
        raise ContainerError(f"no signature `{signature}` in the file: expected one of {list(names.values())}")
    once = {number: graphs[number] for number in called}
    return replace(graphs[chosen], signature=names[chosen], signatures=tuple(names.values()), called=once)


def _signatures(model: Table, subgraphs: list[Table], called: set[int]) -> dict[int, str]:
    """Subgraphs that nothing calls by number, each by the key of its signature, or else its own name."""
    keys = {table.number(4, "I"): table.text(2) for table in reversed(model.tables(7))}
    entries = [number for number in range(len(subgraphs)) if number not in called]
    return {number: keys.get(number) or subgraphs[number].text(4) or f"subgraph {number}" for number in entries}


class _Reader:
    """Reads the subgraphs of one file."""

    def __init__(self, data: bytes, model: Table, buffers: list[Table], subgraphs: list[Table]) -> None:
        self._bytes, self._buffers, self._subgraphs = len(data), buffers, subgraphs
        self._codes = [_operator_name(code) for code in model.tables(1)]
        self._offsets = _offsets(model, buffers)
        self._named = 0

    def graph(self, number: int) -> Container:
        """One subgraph, its signatures and called subgraphs still open."""
        graph, first = self._subgraphs[number], sum(table.count(0) for table in self._subgraphs[:number])
        tables = graph.tables(0)
        offsets = self._offsets[first : first + len(tables)]
        tensors = tuple(_tensor(i, table, self._buffers, offsets) for i, table in enumerate(tables))
        operators = []
        for position, table in enumerate(graph.tables(3)):
            operators.append(_operator(table, self._codes, len(tensors), (number, position)))
            self._named += len(operators[-1].inputs) + len(operators[-1].outputs)
            if self._named > self._bytes:
                raise ContainerError(
                    f"operators name {self._named} tensors in a file of {self._bytes} bytes: its vectors overlap"
                )
        inputs, outputs = (_indices(graph, side, len(tensors)) for side in (1, 2))
        return Container(tensors=tensors, operators=tuple(operators), inputs=inputs, outputs=outputs)


def _operator_name(code: Table) -> str:
    builtin = max(code.number(0, "b"), code.number(3, "i"))
    return code.text(1) if builtin == 32 else builtin_name(builtin)


def _operator(table: Table, codes: list[str], tensor_count: int, place: tuple[int, int]) -> Operator:
    code = table.number(0, "I")
    if code >= len(codes):
        raise ContainerError(f"operator code {code}: the file has {len(codes)}")
    name, options = codes[code], table.table(4)
    handled = f"{options.text(0)}/{options.text(1)}" if name == "VAR_HANDLE" and options else ""
    called = tuple(options.number(at, "i") if options else 0 for at in SUBGRAPH_FIELDS.get(name, ()))
    return Operator(
        name=name,
        inputs=_indices(table, 1, tensor_count),
        outputs=_indices(table, 2, tensor_count),
        graph=place[0],
        position=place[1],
        variable=handled,
        subgraphs=called,
    )


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
    quantisation = table.table(4)
    return Tensor(
        index=index,
        name=table.text(3),
        shape=shape,
        dtype=DTYPES.get(kind, f"type {kind}"),
        data=data,
        offset=offsets[index] if index < len(offsets) else -1,
        is_variable=bool(table.number(5, "B")),
        zero_point=quantisation.first_long(3) if quantisation else 0,
    )


def _offsets(model: Table, buffers: list[Table]) -> list[int]:
    """Arena offsets of all subgraphs' tensors in order, from metadata: version, subgraphs, count, then one int32 each."""
    for entry in model.tables(6):
        if bytes(entry.bytes(0)[:64]) == b"OfflineMemoryAllocation":
            at = entry.number(1, "I")
            data = buffers[at].bytes(0) if at < len(buffers) else b""
            numbers = struct.unpack(f"<{len(data) // 4}i", data[: len(data) // 4 * 4])
            if len(numbers) < 3 or numbers[2] != len(numbers) - 3:
                raise ContainerError("metadata OfflineMemoryAllocation is damaged")
            return list(numbers[3:])
    return []
