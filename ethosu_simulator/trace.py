"""What was executed: the proof that the NPU worked, and the raw material of block and traffic counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ethosu_simulator.disassemble import field_text

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import Command


@dataclass(frozen=True)
class Executed:
    """One operation that was done: its command, the shape of what it wrote (bytes for a DMA), its multiply-accumulates."""

    command: Command
    shape: tuple[int, ...]
    macs: int

    @property
    def name(self) -> str:
        """Such as `NPU_OP_POOL MAX`."""
        fields = [field_text(field, self.command.value) for field in self.command.register.fields]
        return " ".join([f"NPU_{self.command.register.name}", *fields])
