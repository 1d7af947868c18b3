"""The NPU's register state while a stream runs, read by name through the register table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ethosu_simulator.errors import StreamError
from ethosu_simulator.registers import ALL, BY_NAME, ENUMS, Field

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import Command, NpuConfig


def _fields(product: str) -> dict[tuple[str, str], Field]:
    """Fields by (register without SET_, field name); the first field of a register also by an empty name."""
    rows = [row for row in BY_NAME[product].values() if not row.is_operation]
    named = {(row.name[4:], field.name): field for row in rows for field in row.fields}
    return named | {(row.name[4:], ""): row.fields[0] for row in rows}


_FIELDS = {product: _fields(product) for product in ALL}


class RegisterFile:
    """The last value given to each register; a register that was never set has no value."""

    def __init__(self, config: NpuConfig) -> None:
        self.config = config
        self._fields = _FIELDS[config.product]
        self._values: dict[str, int] = {}

    def set(self, command: Command) -> None:
        """Keeps the command's value."""
        self._values[command.register.name[4:]] = command.value

    def copy(self) -> RegisterFile:
        """A register file that keeps today's values."""
        other = RegisterFile(self.config)
        other._values = dict(self._values)
        return other

    def value(self, name: str) -> int:
        """The whole value of register NPU_SET_<name>; StreamError when the stream never set it."""
        try:
            return self._values[name]
        except KeyError:
            raise StreamError(f"NPU_SET_{name} is used but was never set") from None

    def has(self, name: str) -> bool:
        """True when the stream has set the register."""
        return name in self._values

    def number(self, name: str, field: str = "") -> int:
        """A field's number; without a name, the register's first field."""
        return self._fields[name, field].of(self.value(name))

    def choice(self, name: str, field: str) -> str:
        """A field's enumerator, such as `NHCWB16`."""
        found = self._fields[name, field]
        return ENUMS[found.meaning][found.of(self.value(name))]

    def signed(self, name: str) -> int:
        """A 16-bit register as two's complement."""
        value = self.value(name) & 0xFFFF
        return value - 0x10000 if value >> 15 else value
