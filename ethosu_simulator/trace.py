"""What was executed: the proof that the NPU worked, and the raw material of block and traffic counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ethosu_simulator.operations import Operation


@dataclass(frozen=True)
class Executed:
    """One operation that was done, the shape of what it computed (bytes for a DMA), its multiply-accumulates.

    `stream` is the number, from 1, of its `ethos-u` operator in the file.
    """

    operation: Operation
    shape: tuple[int, ...]
    macs: int
    stream: int = 1

    @property
    def name(self) -> str:
        """Such as `NPU_OP_POOL POOLING_MODE_MAX`."""
        return self.operation.name

    @property
    def address(self) -> int:
        """The byte offset of its command in the stream."""
        return self.operation.address
