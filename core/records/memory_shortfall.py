"""Room that a platform does not have for a model."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class MemoryShortfall:
    """A model needs `needs` bytes where `region` has only `has` bytes; `kind` names the memory where the region has several."""

    region: str
    needs: int
    has: int
    kind: str = ""

    def __str__(self) -> str:
        of = f" of {self.kind}" if self.kind else ""
        needs, has = f"{self.needs / MIB:.2f} MiB", f"{self.has / MIB:.2f} MiB"
        if needs == has or self.has < MIB // 10:
            needs, has = f"{self.needs:,} bytes", f"{self.has:,} bytes"
        return f"needs {needs}{of}, {self.region} has {has}"
