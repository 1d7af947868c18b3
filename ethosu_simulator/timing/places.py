"""Which region of a stream lies in which area of a memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ethosu_simulator.timing.memories import MemoryFileError

if TYPE_CHECKING:
    from ethosu_simulator.timing.memories import Memory

_ROLES = {0: "constants", 1: "arena", 2: "fast", 3: "inputs", 4: "outputs"}


@dataclass(frozen=True)
class Places:
    """Regions as Vela numbers them: 0 constants and stream, 1 arena, 2 fast scratch, 3 and 4 inputs and outputs of their own.

    `one_arena`: the fast scratch is the arena itself, so that the arena lies in the area that a fast scratch would have.
    """

    memory: Memory
    one_arena: bool

    @property
    def constants(self) -> int:
        """The area of the constants."""
        return self.memory.area("constants")

    def area(self, region: int) -> int:
        """The index of a region's area; MemoryFileError when it has no place."""
        role = _ROLES.get(region)
        if role is None:
            raise MemoryFileError(f"region {region} of the stream has no place in memory file `{self.memory.file}`")
        return self.memory.area("arena_in_fast" if self.one_arena and role in ("arena", "fast") else role)
