"""What an estimate says: of a file, and of each of its operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ethosu_simulator.timing.coverage import stated
from ethosu_simulator.timing.layout import Layout


@dataclass(frozen=True, kw_only=True)
class OperationEstimate:
    """One operation: cycles from the end of the computation before (a transfer has none), busy cycles by unit, what bounds it.

    `stream` counts the file's streams from 1, `address` is the command's byte offset in it. `units` are mac, output,
    elementwise, dma and weights (the decoder); `beats` are read and written on all ports together.
    """

    stream: int
    address: int
    name: str
    cycles: float
    units: dict[str, float]
    causes: dict[str, float]
    bound: str
    read_beats: int
    write_beats: int
    layout: Layout


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A file's cycles while the NPU is active, its interval, and the beats that its ports count.

    `low` is schedule.IDEAL, `high` schedule.SERIAL. `validated`: published counts cover such a stream on such a memory;
    `why_not` says what is missing. `cpu_operators` of the file are in no figure.
    """

    npu: str
    memory: str
    active_cycles: int
    low: int
    high: int
    beats: dict[str, int]
    region_bytes: dict[str, int]
    operations: tuple[OperationEstimate, ...]
    validated: bool
    why_not: str
    cpu_operators: int

    @property
    def trust(self) -> str:
        """How far the figure goes, in words: the stated error of such networks, or what is missing for one."""
        return stated(self.npu, self.memory, self.why_not)

    def document(self) -> dict[str, Any]:
        """What JSON holds."""
        return {
            "active_cycles": self.active_cycles,
            "low": self.low,
            "high": self.high,
            "beats": self.beats,
            "memory": self.memory,
            "validated": self.validated,
            "why_not_validated": self.why_not,
            "trust": self.trust,
            "npu": self.npu,
            "cpu_operators": self.cpu_operators,
            "region_bytes": self.region_bytes,
            "operations": [
                {
                    "stream": one.stream,
                    "address": one.address,
                    "name": one.name,
                    "cycles": round(one.cycles),
                    "share": round(one.cycles / max(1, self.active_cycles), 6),
                    "bound": one.bound,
                    "units": {name: round(value) for name, value in one.units.items()},
                    "causes": {name: round(value) for name, value in one.causes.items()},
                    "read_beats": one.read_beats,
                    "write_beats": one.write_beats,
                }
                for one in self.operations
            ],
        }
