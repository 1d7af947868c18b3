"""An NPU with its memories: what Vela compiles for, and what has to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class MemoryBudget:
    """How many bytes one memory of the platform offers to a model, and which document says so."""

    bytes: int
    source: str


@dataclass(frozen=True)
class Profile:
    """One NPU configuration, read from a TOML file; every figure has its source.

    `arena_area` is Vela's name of the memory that holds the feature maps ("sram" or "dram"), `constants_area` the one that
    holds weights and command stream ("off_chip_flash", "dram" or "sram"). `budget` maps these names to what the platform has.
    """

    name: str
    npu: Literal["ethos-u55", "ethos-u65", "ethos-u85"]
    macs: int
    clock_hz: float
    vela_config: str
    system_config: str
    memory_mode: str
    budget: dict[str, MemoryBudget]
    sources: dict[str, str]
    description: str = ""
    path: str = field(default="", compare=False)

    @property
    def accelerator_config(self) -> str:
        """Vela's `--accelerator-config`, for example "ethos-u65-256"."""
        return f"{self.npu}-{self.macs}"
