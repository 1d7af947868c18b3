"""Writes ExecuTorch programs as their schema says, with delegates made of streams that Vela compiled."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np

from ethosu_simulator import container

GOLDEN = Path(__file__).parent / "golden"
CODES = {"uint8": 0, "int8": 1, "int16": 2, "int32": 3, "int64": 4, "float32": 6, "bool": 11}
KINDS = {int: 2, bool: 3, float: 4, type(None): 1}
KERNEL, DELEGATE, MOVE, JUMP, FREE = range(1, 6)
QUANTIZE = "quantized_decomposed::quantize_per_tensor.out"
DEQUANTIZE = "quantized_decomposed::dequantize_per_tensor.out"


@dataclass(frozen=True, kw_only=True)
class Value:
    """A tensor of the program; a constant has `data`, in memory order, or the `key` under which another file has it."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    order: tuple[int, ...] = ()
    data: bytes = b""
    key: str = ""


@dataclass(kw_only=True)
class Pte:
    """What a program holds: values (tensors, numbers or None), instructions (kind, number or name, arguments), delegates."""

    values: list[Value | int | float | bool | None]
    inputs: Sequence[int]
    outputs: Sequence[int]
    instructions: list[tuple[int, int | str, Sequence[int]]]
    blobs: list[bytes]
    backends: list[str] = field(default_factory=list)
    specs: dict[str, str] = field(default_factory=lambda: {"target": "ethos-u55-128"})
    named: dict[str, bytes] = field(default_factory=dict)
    in_segments: bool = False
    method: str = "forward"

    def write(self) -> bytes:
        """The file's bytes."""
        return _Writer(self).file()


class Flat:
    """A flatbuffer on its way; tables are lists of (slot, how it is written, value)."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)
        self.builder.ForceDefaults(True)

    def table(self, *slots: tuple[int, str, Any]) -> int:
        self.builder.StartObject(1 + max((slot for slot, _, _ in slots), default=0))
        for slot, kind, value in slots:
            if kind == "offset":
                self.builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                getattr(self.builder, f"Prepend{kind}Slot")(slot, value, 0)
        return int(self.builder.EndObject())

    def offsets(self, items: Sequence[int]) -> int:
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.builder.PrependUOffsetTRelative(item)
        return int(self.builder.EndVector())

    def numbers(self, items: Sequence[int]) -> int:
        return int(self.builder.CreateNumpyVector(np.array(items, np.int32)))

    def data(self, content: bytes) -> int:
        return int(self.builder.CreateByteVector(content))

    def text(self, content: str) -> int:
        return int(self.builder.CreateString(content))


class _Writer(Flat):
    """One program on its way."""

    def __init__(self, pte: Pte) -> None:
        super().__init__()
        self.pte = pte
        constants = [value.data for value in pte.values if isinstance(value, Value) and value.data]
        self.constants = [b"", *constants]
        self.segments = [*(pte.blobs if pte.in_segments else ()), *pte.named.values()]
        self.kernels = list(dict.fromkeys(str(name) for kind, name, _ in pte.instructions if kind == KERNEL))

    def file(self) -> bytes:
        pte = self.pte
        plan = self.offsets([self._plan()])
        held = self.constants if self.constants[1:] else []
        constants = self.offsets([self.table((0, "offset", self.data(content))) for content in held])
        inline = [] if pte.in_segments else [self.table((0, "offset", self.data(blob))) for blob in pte.blobs]
        blobs, places, at = self.offsets(inline), [], 0
        for content in self.segments:
            places.append(self.table((0, "Uint64", at), (1, "Uint64", len(content))))
            at += len(content)
        segments = self.offsets(places)
        first = len(pte.blobs) if pte.in_segments else 0
        names = [
            self.table((0, "offset", self.text(key)), (1, "Uint32", first + number)) for number, key in enumerate(pte.named)
        ]
        named = self.offsets(names)
        root = self.table(
            (0, "Uint32", 0), (1, "offset", plan), (2, "offset", constants), (3, "offset", blobs), (4, "offset", segments),
            (7, "offset", named),
        )  # fmt: skip
        self.builder.Finish(root, file_identifier=b"ET12")
        return _with_segments(bytes(self.builder.Output()), b"".join(self.segments))

    def _plan(self) -> int:
        pte = self.pte
        values = self.offsets([self._value(value) for value in pte.values])
        chain = self.table((2, "offset", self.offsets([self._instruction(*one) for one in pte.instructions])))
        kernels = [name.rpartition(".") for name in self.kernels]
        operators = [self.table((0, "offset", self.text(name)), (1, "offset", self.text(over))) for name, _, over in kernels]
        name, inputs, outputs = self.text(pte.method), self.numbers(pte.inputs), self.numbers(pte.outputs)
        chains, operators_at = self.offsets([chain]), self.offsets(operators)
        delegates = self.offsets([self._delegate(number) for number in range(len(pte.blobs))])
        return self.table(
            (0, "offset", name), (2, "offset", values), (3, "offset", inputs), (4, "offset", outputs), (5, "offset", chains),
            (6, "offset", operators_at), (7, "offset", delegates),
        )  # fmt: skip

    def _value(self, value: Value | int | float | bool | None) -> int:
        if isinstance(value, Value):
            return self.table((0, "Uint8", 5), (1, "offset", self._tensor(value)))
        slot = {int: "Int64", bool: "Bool", float: "Float64"}.get(type(value))
        content = self.table((0, slot, value)) if slot else self.table()
        return self.table((0, "Uint8", KINDS[type(value)]), (1, "offset", content))

    def _tensor(self, value: Value) -> int:
        sizes, order = self.numbers(value.shape), self.data(bytes(value.order or range(len(value.shape))))
        slots: list[tuple[int, str, Any]] = [(0, "Int8", CODES[value.dtype]), (2, "offset", sizes), (3, "offset", order)]
        if value.key:
            extra = self.table((1, "offset", self.text(value.key)), (2, "Int8", 1))
            slots.append((9, "offset", extra))
        slots.append((5, "Uint32", self.constants.index(value.data) if value.data else 0))
        return self.table(*slots)

    def _instruction(self, kind: int, what: int | str, arguments: Sequence[int]) -> int:
        if kind in (KERNEL, DELEGATE):
            number = self.kernels.index(what) if isinstance(what, str) else what
            content = self.table((0, "Int32", number), (1, "offset", self.numbers(arguments)))
        else:
            content = self.table(*((slot, "Int32", argument) for slot, argument in enumerate(arguments)))
        return self.table((0, "Uint8", kind), (1, "offset", content))

    def _delegate(self, number: int) -> int:
        backend = self.pte.backends[number] if self.pte.backends else "EthosUBackend"
        where = self.table((0, "Int8", int(self.pte.in_segments)), (1, "Uint32", number))
        specs = [
            self.table((0, "offset", self.text(key)), (1, "offset", self.data(said.encode())))
            for key, said in self.pte.specs.items()
        ]
        specs_at, name = self.offsets(specs), self.text(backend)
        return self.table((0, "offset", name), (1, "offset", where), (2, "offset", specs_at))


def _with_segments(flat: bytes, segments: bytes) -> bytes:
    """The file with its extended header behind the identifier, and its segments at the end."""
    if not segments:
        return flat
    header = 32
    root = int.from_bytes(flat[:4], "little") + header
    base = len(flat) + header
    said = b"eh00" + struct.pack("<IQQ", 24, base, base)
    return root.to_bytes(4, "little") + flat[4:8] + said.ljust(header, b"\0") + flat[8:] + segments


def data_file(named: dict[str, bytes]) -> bytes:
    """A .ptd with these data."""
    pte = Pte(values=[], inputs=(), outputs=(), instructions=[], blobs=[], named=named)
    writer = _Writer(pte)
    places, at = [], 0
    for content in named.values():
        places.append(writer.table((0, "Uint64", at), (1, "Uint64", len(content))))
        at += len(content)
    segments = writer.offsets(places)
    names = [writer.table((0, "offset", writer.text(key)), (1, "Uint32", number)) for number, key in enumerate(named)]
    root = writer.table((0, "Uint32", 0), (1, "offset", segments), (2, "offset", writer.offsets(names)))
    writer.builder.Finish(root, file_identifier=b"FT01")
    flat, header = bytes(writer.builder.Output()), 40
    base = len(flat) + header
    said = b"FH01" + struct.pack("<IQQQQ", 40, header, len(flat), base, at)
    start = (int.from_bytes(flat[:4], "little") + header).to_bytes(4, "little")
    return start + flat[4:8] + said.ljust(header, b"\0") + flat[8:] + b"".join(named.values())


def blob(compiled: bytes, external: dict[str, str] | None = None) -> bytes:
    """A delegate's blob of a compiled file with one operator; `external` names the keys of blocks that lie elsewhere."""
    return blocks_of(blocks(compiled), external or {})


def blocks(compiled: bytes) -> dict[str, bytes]:
    """The blocks of a delegate that does what a compiled file does."""
    parsed = container.parse(compiled)
    (operator,) = parsed.operators
    stream, constants, scratch, _, *inputs = (parsed.tensors[index] for index in operator.inputs)
    outputs = [parsed.tensors[index] for index in operator.outputs]
    size = max([scratch.size_bytes, *(one.offset + one.size_bytes for one in (*inputs, *outputs))])
    return {
        "vela_bin_stream": b"",
        "cmd_data": bytes(stream.data),
        "weight_data": bytes(constants.data),
        "scratch_size": struct.pack("<I", size),
        "inputs": _places(inputs),
        "outputs": _places(outputs),
        "vela_end_stream": b"",
    }


def blocks_of(content: dict[str, bytes], external: dict[str, str]) -> bytes:
    """The blob of blocks."""
    found = b""
    for name, data in content.items():
        held = external[name].encode() if name in external else data
        found += struct.pack("<16sIB11s", name.encode()[:15], len(held), name in external, b"") + held + bytes(-len(held) % 16)
    return found


def _places(tensors: Sequence[container.Tensor]) -> bytes:
    sizes = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4}
    rows = [struct.pack("<9i", *[1] * (6 - len(t.shape)), *t.shape, sizes[t.dtype], t.offset, 1) for t in tensors]
    return struct.pack("<i", len(rows)) + b"".join(rows)


def golden(name: str) -> Any:
    """A golden case: `compiled` and, by number, what goes in and comes out."""
    (path,) = GOLDEN.glob(f"{name}.npz")
    return np.load(path)
