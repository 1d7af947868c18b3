"""Words of a driver payload (`COP1`, `COP2`) -> configuration and commands.

Source: the driver action layout in ethos-u-vela 5.2.0, `ethosu/regor/tflite/custom_operator_ethosu.hpp`, and the CONFIG
register in the two interface headers named in registers.py.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ethosu_simulator.errors import StreamError
from ethosu_simulator.registers import BY_CODE, ENUMS, Register

if TYPE_CHECKING:
    from collections.abc import Sequence

PRODUCTS = {0: "u55", 1: "u65", 2: "u85"}
MACS = {"u55": (32, 64, 128, 256), "u65": (256, 512), "u85": (128, 256, 512, 1024, 2048)}
STREAM_VERSIONS = {"u55": 0, "u65": 0, "u85": 1}
MAX_WORDS = 1 << 20

_COP1_CONFIG, _COP1_STREAM, _COP1_NOP = 1, 2, 5


@dataclass(frozen=True)
class NpuConfig:
    """The NPU that a stream was compiled for, read from its CONFIG word."""

    product: str
    macs: int

    @property
    def name(self) -> str:
        """Vela's name for it, such as `ethos-u65-512`."""
        return f"ethos-{self.product}-{self.macs}"


@dataclass(frozen=True)
class Payload:
    """A command stream and the NPU it is for."""

    config: NpuConfig
    words: tuple[int, ...]


@dataclass(frozen=True)
class Command:
    """One command: its row of the register table, its value (see registers.py for the bits), and its byte offset."""

    register: Register
    value: int
    address: int
    parameter: int
    payload: int | None

    def get(self, name: str) -> int:
        """The number in the field of that name."""
        return next(field.of(self.value) for field in self.register.fields if field.name == name)

    def choice(self, name: str) -> str:
        """The enumerator in the field of that name, such as `MAX`."""
        meaning = next(field.meaning for field in self.register.fields if field.name == name)
        return ENUMS[meaning][self.get(name)]


def parse_config(word: int) -> NpuConfig:
    """The NPU configuration in a CONFIG word; StreamError when there is no such product."""
    product = PRODUCTS.get(word >> 28)
    macs = 1 << (word & 15)
    if product is None or macs not in MACS[product]:
        raise StreamError(f"configuration word 0x{word:08x} names no Ethos-U: expected U55, U65 or U85 with its own MACs")
    version = (word >> 4) & 15
    if version != STREAM_VERSIONS[product]:
        raise StreamError(f"command stream version {version} for {product}: expected {STREAM_VERSIONS[product]}")
    return NpuConfig(product, macs)


def parse_payload(raw: bytes | memoryview) -> Payload:
    """The stream inside a driver payload, COP1 or COP2."""
    data = bytes(raw[: 4 * MAX_WORDS + 4])
    if len(data) < 8 or len(data) % 4:
        raise StreamError(f"a driver payload of {len(data)} bytes: expected whole words, at least two")
    if len(data) > 4 * MAX_WORDS:
        raise StreamError(f"a driver payload of {len(data)} bytes: expected at most {4 * MAX_WORDS}")
    words = struct.unpack(f"<{len(data) // 4}I", data)
    if data[:4] == b"COP1":
        return _parse_cop1(words)
    if data[:4] == b"COP2":
        return _parse_cop2(data, words)
    raise StreamError(f"driver payload begins with {data[:4]!r}: expected b'COP1' or b'COP2'")


def _parse_cop1(words: Sequence[int]) -> Payload:
    config, at = None, 1
    while at < len(words):
        tag, parameter = words[at] & 0xFF, words[at] >> 16
        if tag == _COP1_NOP:
            at += 1
        elif tag == _COP1_CONFIG and at + 2 < len(words):
            config = parse_config(words[at + 1])
            at += 3
        elif tag == _COP1_STREAM:
            length = (((words[at] >> 8) & 0xFF) << 16) | parameter
            return _payload(config, words[at + 1 : at + 1 + length], length)
        else:
            raise StreamError(f"driver action 0x{words[at]:08x} at word {at}: expected configuration, NOP or command stream")
    raise StreamError("driver payload without a command stream")


def _parse_cop2(data: bytes, words: Sequence[int]) -> Payload:
    if len(words) < 13 or words[4] != 1 or data[28:32] != b"VEUM":
        raise StreamError("COP2 payload: expected one command stream entry with VEUM metadata")
    total, entry, metadata = words[2] | words[3] << 32, words[5], words[6]
    start = 28 + metadata
    if total + 16 != len(data) or entry + 24 != len(data) or metadata % 4 or start > len(data):
        raise StreamError(f"COP2 payload: its lengths ({total}, {entry}, {metadata}) do not fit its {len(data)} bytes")
    return _payload(parse_config(words[10]), words[start // 4 :], (len(data) - start) // 4)


def _payload(config: NpuConfig | None, words: Sequence[int], length: int) -> Payload:
    if config is None:
        raise StreamError("driver payload has no configuration before its command stream")
    if len(words) < length:
        raise StreamError(f"command stream is cut: {len(words)} words, its header promises {length}", 4 * len(words))
    return Payload(config, tuple(words[:length]))


def decode(payload: Payload) -> list[Command]:
    """Every command of the stream in order; StreamError at the first that the product does not have."""
    table, words, commands, at = BY_CODE[payload.config.product], payload.words, [], 0
    while at < len(words):
        word, address = words[at], 4 * at
        kind, parameter = (word >> 14) & 3, word >> 16
        register = table.get((kind, word & 0x3FFF))
        if register is None:
            raise StreamError(f"word 0x{word:08x} is no command of {payload.config.name}", address)
        extra = _payload_word(words, at, address) if kind == 1 else None
        value = parameter if extra is None else (parameter << 32) | extra
        _check(register, value, address)
        commands.append(Command(register=register, value=value, address=address, parameter=parameter, payload=extra))
        at += 1 + kind
    return commands


def _payload_word(words: Sequence[int], at: int, address: int) -> int:
    if at + 1 >= len(words):
        raise StreamError("command stream ends inside a two-word command", address)
    return words[at + 1]


def _check(register: Register, value: int, address: int) -> None:
    """Refuses reserved bits and reserved enumerators."""
    if register.fields and value & ~register.bits:
        raise StreamError(f"NPU_{register.name} sets reserved bits: 0x{value & ~register.bits:x}", address)
    for field in register.fields:
        if field.meaning in ENUMS and field.of(value) not in ENUMS[field.meaning]:
            raise StreamError(f"NPU_{register.name}: {field.name} = {field.of(value)} is reserved", address)
