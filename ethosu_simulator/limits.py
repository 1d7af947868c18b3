"""How much a model may ask for: command streams are hostile bytes."""

from __future__ import annotations

from dataclasses import dataclass

WORKING_BYTES = 8  # the widest element of the arrays that an operation makes


@dataclass(frozen=True)
class Limits:
    """The arena's bytes, and again those of one operation's arrays; the work of one run.

    Work counts multiply-accumulates, elements and bytes moved by DMA, before they are done.
    The defaults hold the largest models that fit an Ethos-U many times over: YOLO11n at 640 px needs 5e9 of work and 30 MB.
    """

    memory_bytes: int = 1 << 30
    work: int = 1 << 40

    def elements(self) -> int:
        """How many elements the arrays of one operation may have together."""
        return self.memory_bytes // WORKING_BYTES
