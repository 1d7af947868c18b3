"""Room that a platform does not have for a model."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Misfit:
    """A model needs `needs` bytes of `room`, which has only `has` bytes."""

    room: str
    needs: int
    has: int

    def __str__(self) -> str:
        return f"needs {self.needs / MIB:.2f} MiB, {self.room} has {self.has / MIB:.2f} MiB"
