"""What was executed: the proof that the NPU worked, and the raw material of block and traffic counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ethosu_simulator.operations import Operation


@dataclass(frozen=True)
class Executed:
    """One operation that was done, the shape of what it computed (bytes for a DMA), its multiply-accumulates."""

    operation: Operation
    shape: tuple[int, ...]
    macs: int

    @property
    def name(self) -> str:
        """Such as `NPU_OP_POOL POOLING_MODE_MAX`."""
        return self.operation.name

    @property
    def address(self) -> int:
        """The byte offset of its command in the stream."""
        return self.operation.address
