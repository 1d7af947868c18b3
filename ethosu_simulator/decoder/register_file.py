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

    def value(self, name: str) -> int:
        """The whole value of register NPU_SET_<name>; StreamError when the stream never set it."""
        try:
            return self._values[name]
        except KeyError:
            raise StreamError(f"NPU_SET_{name} is used but was never set") from None

    def has(self, name: str) -> bool:
        """True when the stream has set the register."""
        return name in self._values

    def knows(self, name: str) -> bool:
        """True when the product has the register."""
        return (name, "") in self._fields

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

    def maybe(self, name: str, field: str = "") -> int | None:
        """As `number`; None when the product lacks the register or field, or the stream never set it."""
        return self.number(name, field) if (name, field) in self._fields and self.has(name) else None

    def maybe_choice(self, name: str, field: str) -> str | None:
        """As `choice`; None when the product lacks the register or field, or the stream never set it."""
        return self.choice(name, field) if (name, field) in self._fields and self.has(name) else None

    def strides(self) -> tuple[int, int]:
        """The kernel's strides (y, x), 1 to 4."""
        y, x = (
            1 + self.number("KERNEL_STRIDE", f"stride_{axis}_lsb") + 2 * self.number("KERNEL_STRIDE", f"stride_{axis}_msb")
            for axis in "yx"
        )
        return y, x
