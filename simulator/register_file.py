"""The NPU's register state while a stream runs, read by name through the register table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import StreamError
from simulator.registers import BY_NAME, ENUMS, Register

if TYPE_CHECKING:
    from simulator.command_stream import Command, NpuConfig


class RegisterFile:
    """The last value given to each register; a register that was never set has no value."""

    def __init__(self, config: NpuConfig) -> None:
        self.config = config
        self._rows = BY_NAME[config.product]
        self._values: dict[str, int] = {}

    def set(self, command: Command) -> None:
        """Keeps the command's value."""
        self._values[command.register.name] = command.value

    def value(self, name: str) -> int:
        """The whole value of register NPU_SET_<name>; StreamError when the stream never set it."""
        try:
            return self._values[f"SET_{name}"]
        except KeyError:
            raise StreamError(f"NPU_SET_{name} is used but was never set") from None

    def has(self, name: str) -> bool:
        """True when the stream has set the register."""
        return f"SET_{name}" in self._values

    def number(self, name: str, field: str = "") -> int:
        """A field's number; without a name, the register's only or first field."""
        value = self.value(name)
        return _field_of(self._rows[f"SET_{name}"], field, value)

    def choice(self, name: str, field: str) -> str:
        """A field's enumerator, such as `NHCWB16`."""
        row = self._rows[f"SET_{name}"]
        meaning = next(f.meaning for f in row.fields if f.name == field)
        return ENUMS[meaning][self.number(name, field)]

    def signed(self, name: str) -> int:
        """A 16-bit register as two's complement."""
        value = self.value(name) & 0xFFFF
        return value - 0x10000 if value >> 15 else value


def _field_of(row: Register, name: str, value: int) -> int:
    field = row.fields[0] if not name else next(f for f in row.fields if f.name == name)
    return field.of(value)
