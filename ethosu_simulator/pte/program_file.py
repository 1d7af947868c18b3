"""A .pte file -> its steps, values and delegates; a .ptd file -> the named data beside it.

Source: ExecuTorch 1.5.1 `schema/program.fbs` and `flat_tensor.fbs` (field numbers), `extended_header.h` and
`flat_tensor_header.h` (where segments begin).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ethosu_simulator.container import MAX_DIMENSIONS, MAX_INDICES, Tensor, can_be
from ethosu_simulator.errors import ContainerError, NotModelled
from ethosu_simulator.flatbuffer import Table, root, unpack

IDENTIFIER = b"ET12"
DATA_IDENTIFIER = b"FT01"
DTYPES = {
    0: "uint8",
    1: "int8",
    2: "int16",
    3: "int32",
    4: "int64",
    5: "float16",
    6: "float32",
    7: "float64",
    11: "bool",
    27: "uint16",
    28: "uint32",
    29: "uint64",
}
NUMBERS = {2: "q", 3: "?", 4: "d"}  # kinds of a value: Int, Bool, Double
TENSOR = 5
KERNEL, DELEGATE, MOVE, JUMP, FREE = range(1, 6)
SEGMENT = 1
EXTERNAL = 1
Scalar = int | float | bool


@dataclass(frozen=True)
class PteTensor:
    """A tensor value: logical shape; `order` are its axes from the outermost to the innermost in memory."""

    tensor: Tensor
    order: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """What runs next: a delegate by number, a kernel by name, or (`moves`) a value that becomes another."""

    arguments: tuple[int, ...]
    delegate: int = -1
    kernel: str = ""
    moves: bool = False


@dataclass(frozen=True)
class Delegate:
    """A part of the program that a backend runs: its blob, and how it was compiled (key and value, as written)."""

    backend: str
    blob: bytes | memoryview
    specs: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ProgramFile:
    """One method of a program: tensors and scalars by number of their value, everything else is of no use here."""

    method: str
    methods: tuple[str, ...]
    tensors: Mapping[int, PteTensor]
    scalars: Mapping[int, Scalar]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: tuple[Step, ...]
    delegates: tuple[Delegate, ...]
    named: Mapping[str, memoryview]


def is_program(data: bytes) -> bool:
    """Whether the bytes begin as a .pte does."""
    return data[4:8] == IDENTIFIER


def parse_program(data: bytes, method: str | None = None, beside: Mapping[str, memoryview] | None = None) -> ProgramFile:
    """The method of that name in a .pte, or its first; `beside` is the named data of a .ptd.

    ContainerError when the file is damaged, has no such method, or names data that neither file has.
    """
    return _Reader(memoryview(data), beside or {}).program(method)


def parse_data(data: bytes) -> dict[str, memoryview]:
    """The named data of a .ptd file."""
    view = memoryview(data)
    file = root(view, DATA_IDENTIFIER)
    start = unpack("<Q", view, 32) if bytes(view[8:12]) == b"FH01" else 0
    return _named(file.tables(2), _segments(view, file.tables(1), start))


class _Reader:
    """Reads one .pte."""

    def __init__(self, data: memoryview, beside: Mapping[str, memoryview]) -> None:
        self._file = root(data, IDENTIFIER)
        start = unpack("<Q", data, 24) if bytes(data[8:12]) == b"eh00" else 0
        self._segments = _segments(data, self._file.tables(4), start)
        self._named = {**beside, **_named(self._file.tables(7), self._segments)}

    def program(self, method: str | None) -> ProgramFile:
        plans = {plan.text(0): plan for plan in reversed(self._file.tables(1))}
        if not plans:
            raise ContainerError("a .pte without a method: expected at least one")
        methods = tuple(reversed(plans))
        name = methods[0] if method is None else method
        if name not in plans:
            raise ContainerError(f"no method `{name}` in the file: expected one of {list(methods)}")
        plan = plans[name]
        values = plan.tables(2)
        kinds = [table.number(0, "B") for table in values]
        tensors = {i: self._tensor(i, _of(values[i])) for i, kind in enumerate(kinds) if kind == TENSOR}
        scalars = {i: _of(values[i]).scalar(0, NUMBERS[kind]) for i, kind in enumerate(kinds) if kind in NUMBERS}
        delegates = tuple(self._delegate(table) for table in plan.tables(7))
        return ProgramFile(
            method=name,
            methods=methods,
            tensors=tensors,
            scalars=scalars,
            inputs=_tensor_numbers(plan.numbers(3, MAX_INDICES), tensors, "input"),
            outputs=_tensor_numbers(plan.numbers(4, MAX_INDICES), tensors, "output"),
            steps=tuple(_steps(plan, len(values), len(delegates))),
            delegates=delegates,
            named=self._named,
        )

    def _tensor(self, index: int, table: Table) -> PteTensor:
        code, shape = table.number(0, "b"), table.numbers(2, MAX_DIMENSIONS)
        order = tuple(table.bytes(3)) or tuple(range(len(shape)))
        if not can_be(shape) or sorted(order) != list(range(len(shape))):
            raise ContainerError(f"value {index}: a tensor of shape {shape} in the order {list(order)}")
        dtype = DTYPES.get(code, f"type {code}")
        tensor = Tensor(
            index=index, name=f"value {index}", shape=tuple(shape), dtype=dtype, data=self._constant(index, table), offset=-1
        )
        if tensor.data and len(tensor.data) < tensor.size_bytes:
            raise ContainerError(f"value {index}: a constant of {len(tensor.data)} bytes: expected {tensor.size_bytes}")
        return PteTensor(tensor, order)

    def _constant(self, index: int, table: Table) -> bytes | memoryview:
        """The bytes of a constant in memory order; none for a value that is computed."""
        extra, number = table.table(9), table.number(5, "I")
        if extra is not None and extra.number(2, "b") == EXTERNAL:
            return self._by_key(extra.text(1), f"value {index}")
        if not number or table.table(6) is not None:
            return b""
        inline, within = self._file.tables(2), self._file.table(5)
        if within is None or not within.count(1):
            if number >= len(inline):
                raise ContainerError(f"value {index}: constant {number} of {len(inline)}")
            return inline[number].bytes(0)
        segment, offsets = self._segment(within.number(0, "I")), within.longs(1, MAX_INDICES)
        if number >= len(offsets) or not 0 <= offsets[number] <= len(segment):
            raise ContainerError(f"value {index}: constant {number} of {len(offsets)} in a segment of {len(segment)} bytes")
        return segment[offsets[number] :]

    def _delegate(self, table: Table) -> Delegate:
        where, specs = table.table(1), table.tables(2)
        number = where.number(1, "I") if where is not None else 0
        if where is not None and where.number(0, "b") == SEGMENT:
            blob = self._segment(number)
        else:
            inline = self._file.tables(3)
            if number >= len(inline):
                raise ContainerError(f"delegate data {number} of {len(inline)}")
            blob = inline[number].bytes(0)
        said = {spec.text(0): bytes(spec.bytes(1)[:4096]).decode("utf-8", "replace") for spec in specs}
        return Delegate(table.text(0), blob, said)

    def _segment(self, number: int) -> memoryview:
        if number >= len(self._segments):
            raise ContainerError(f"segment {number} of {len(self._segments)}")
        return self._segments[number]

    def _by_key(self, key: str, what: str) -> memoryview:
        if key not in self._named:
            raise missing_data(key, what)
        return self._named[key]


def missing_data(key: str, what: str) -> ContainerError:
    """The error for data that another file should have."""
    return ContainerError(f"{what} lies outside the .pte under `{key}`: expected the .ptd file that was written beside it")


def _of(value: Table) -> Table:
    table = value.table(1)
    if table is None:
        raise ContainerError("a value of the program without content")
    return table


def _segments(data: memoryview, tables: list[Table], start: int) -> list[memoryview]:
    found = []
    for number, table in enumerate(tables):
        begin, size = start + table.number(0, "Q"), table.number(1, "Q")
        if begin + size > len(data):
            raise ContainerError(f"segment {number}: bytes {begin}..{begin + size} of a file of {len(data)}")
        found.append(data[begin : begin + size])
    return found


def _named(tables: list[Table], segments: list[memoryview]) -> dict[str, memoryview]:
    found = {}
    for table in tables:
        number = table.number(1, "I")
        if number >= len(segments):
            raise ContainerError(f"data `{table.text(0)}` in segment {number} of {len(segments)}")
        found[table.text(0)] = segments[number]
    return found


def _tensor_numbers(numbers: list[int], tensors: Mapping[int, PteTensor], side: str) -> tuple[int, ...]:
    for number in numbers:
        if number not in tensors:
            raise NotModelled("program", f"{side} value {number}, which is no tensor")
    return tuple(numbers)


def _steps(plan: Table, values: int, delegates: int) -> list[Step]:
    names = [".".join(filter(None, (table.text(0), table.text(1)))) for table in plan.tables(6)]
    chains = plan.tables(5)
    if len(chains) != 1:
        raise NotModelled("program", f"a method of {len(chains)} chains")
    found = []
    for number, instruction in enumerate(chains[0].tables(2)):
        step = _step(instruction, names, delegates)
        if step is None:
            continue
        if any(not 0 <= argument < values for argument in step.arguments):
            raise ContainerError(f"instruction {number} names values {list(step.arguments)} of {values}")
        found.append(step)
    return found


def _step(instruction: Table, names: list[str], delegates: int) -> Step | None:
    kind, content = instruction.number(0, "B"), _of(instruction)
    number = content.number(0, "i")
    if kind == FREE:
        return None
    if kind == MOVE:
        return Step((number, content.number(1, "i")), moves=True)
    if kind == KERNEL and 0 <= number < len(names):
        return Step(tuple(content.numbers(1, MAX_INDICES)), kernel=names[number])
    if kind == DELEGATE and 0 <= number < delegates:
        return Step(tuple(content.numbers(1, MAX_INDICES)), delegate=number)
    if kind == JUMP:
        raise NotModelled("program", "a branch (JumpFalseCall)")
    raise ContainerError(f"an instruction of kind {kind} that names number {number}")
