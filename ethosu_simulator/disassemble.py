"""Commands -> the text that `vela --verbose-register-command-stream` prints, and the same as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ethosu_simulator.registers import ENUMS, Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ethosu_simulator.command_stream import Command

RESERVED = "****"


def field_text(field: Field, value: int) -> str:
    """The field's value as Vela prints it."""
    number = field.of(value)
    if field.meaning == "hex":
        return f"0x{number:x}"
    if field.meaning == "scalar":
        return str(number - (number >> 31))  # Vela prints negative scalars (top bit set) one too low
    if field.meaning in ENUMS:
        name = ENUMS[field.meaning].get(number)
        return RESERVED if name is None else f"{field.meaning.split('@')[0].upper()}_{name}"
    return str(number)


def line(command: Command) -> str:
    """One line of disassembly, without its newline."""
    payload = " " * 8 if command.payload is None else f"{command.payload:08x}"
    register = command.register
    code = register.code | (register.kind << 14)
    name = f"NPU_{register.name}"
    head = f"0x{command.address:06x}: {payload} {command.parameter:04x} {code:04x} - {name:30} {command.parameter:5}"
    return head + "".join(f", {field.name} = {field_text(field, command.value)}" for field in register.fields)


def text(commands: Iterable[Command]) -> str:
    """The whole stream, one line per command."""
    return "".join(line(command) + "\n" for command in commands)


def data(commands: Iterable[Command]) -> list[dict[str, Any]]:
    """The whole stream as dictionaries that JSON can hold: address, name, parameter, payload, fields."""
    return [
        {
            "address": command.address,
            "name": f"NPU_{command.register.name}",
            "parameter": command.parameter,
            "payload": command.payload,
            "fields": {field.name: field_text(field, command.value) for field in command.register.fields},
        }
        for command in commands
    ]
