"""Command streams written by name through the register table: for tests of single operations and of bad streams."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from ethosu_simulator.command_stream import Command, NpuConfig, Payload, decode, parse_config
from ethosu_simulator.decoder import decode_operations
from ethosu_simulator.machine import Machine
from ethosu_simulator.memory import Memory
from ethosu_simulator.npu import run
from ethosu_simulator.operations import Operation
from ethosu_simulator.registers import BY_NAME, ENUMS
from ethosu_simulator.trace import Executed
from ethosu_simulator.weights import KernelCache

CONFIGS = {"u55": 7 | 24 << 8, "u65": 8 | 48 << 8 | 1 << 28, "u85": 8 | 1 << 4 | 2 << 28}
READ_ONLY, ARENA = 0, 1
ARENA_BYTES = 4096
_ONES = ("STRIDE_X", "STRIDE_Y", "STRIDE_C")


class Assembler:
    """A stream for one product; registers begin as for an int8 operation of shape 1 x 1 x 1 in the arena."""

    def __init__(self, product: str) -> None:
        self.product = product
        self.words: list[int] = []
        for name, row in BY_NAME[product].items():
            if not row.is_operation:
                self.put(name[4:], **_first(name, row.fields))

    def put(self, register: str, **fields: Any) -> Assembler:
        """NPU_SET_<register>; fields by number or by enumerator, the others 0."""
        return self._emit(f"SET_{register}", fields)

    def do(self, operation: str, **fields: Any) -> Assembler:
        """NPU_OP_<operation>."""
        return self._emit(f"OP_{operation}", fields)

    def _emit(self, name: str, fields: dict[str, Any]) -> Assembler:
        row, value = BY_NAME[self.product][name], 0
        for field in row.fields:
            given = fields.pop(field.name, 0)
            if isinstance(given, str):
                given = next(number for number, text in ENUMS[field.meaning].items() if text == given)
            value |= (given & ((1 << field.width) - 1)) << field.low
        assert not fields, f"{name} has no {fields}"
        parameter, payload = (value, []) if row.kind == 0 else (value >> 32, [value & 0xFFFFFFFF])
        self.words += [row.code | row.kind << 14 | parameter << 16, *payload]
        return self

    @property
    def address(self) -> int:
        """The byte offset of the next command."""
        return 4 * len(self.words)

    def payload(self) -> bytes:
        """The driver payload with this stream, stopped."""
        words = [*self.words, 0xFFFF0000]
        head = [
            0x31504F43,
            0x00100001,
            CONFIGS[self.product],
            0,
            5,
            5,
            5,
            2 | (len(words) >> 16) << 8 | (len(words) & 0xFFFF) << 16,
        ]
        return struct.pack(f"<{len(head) + len(words)}I", *head, *words)

    @property
    def config(self) -> NpuConfig:
        """The NPU that the stream is for."""
        return parse_config(CONFIGS[self.product])

    def commands(self) -> list[Command]:
        """The commands of this stream, stopped."""
        return decode(Payload(self.config, (*self.words, 0xFFFF0000)))

    def operations(self) -> tuple[Operation, ...]:
        """The operations of this stream, stopped."""
        return decode_operations(self.commands(), self.config)

    def run(self, arena: Any = None, constants: bytes = b"") -> tuple[Any, list[Executed]]:
        """(the arena after the run, what was executed)."""
        memory = np.zeros(ARENA_BYTES, np.uint8) if arena is None else arena
        regions = {READ_ONLY: np.frombuffer(constants, np.uint8), ARENA: memory}
        trace: list[Executed] = []
        machine = Machine(self.config, Memory(regions), KernelCache())
        run(machine, self.operations(), trace)
        return memory, trace


def _first(name: str, fields: tuple[Any, ...]) -> dict[str, Any]:
    """A register's value at the beginning: int8, strides of 1, the output at 1024, no table, unit scale."""
    first: dict[str, Any] = {}
    known = {"activation_type": "SIGNED", "scale_mode": "GLOBAL" if "OFM" in name else 0, "round_mode": 0}
    for field in fields:
        if field.name in known and field.meaning != "ifm_scale_mode":
            first[field.name] = known[field.name]
    if "REGION" in name:
        first["region"] = READ_ONLY if "WEIGHT" in name or "SCALE" in name else ARENA
    if name.endswith(_ONES):
        first["addr"] = 1
    if name == "SET_OFM_BASE0":
        first["addr"] = 1024
    if name == "SET_IFM2_BASE0":
        first["addr"] = 512
    if name.endswith(("OFM_SCALE", "IFM_SCALE", "IFM2_SCALE", "OPA_SCALE", "OPB_SCALE")):
        first["scale"] = 1
    if name == "SET_ACTIVATION_MIN":
        first["clip_boundary"] = 0xFF80
    if name == "SET_ACTIVATION_MAX":
        first["clip_boundary"] = 0x7F
    return first
