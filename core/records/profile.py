"""An NPU with its memories: what Vela compiles for, and what has to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.files import sha256

Npu = Literal["ethos-u55", "ethos-u65", "ethos-u85"]
MemoryArea = Literal["sram", "dram", "on_chip_flash", "off_chip_flash"]

MACS = {"ethos-u55": (32, 64, 128, 256), "ethos-u65": (256, 512), "ethos-u85": (128, 256, 512, 1024, 2048)}
"""MACs per cycle that each NPU is built with (Vela's accelerator configurations)."""


@dataclass(frozen=True)
class MemoryBudget:
    """How many bytes one memory of the platform offers to a model, and which document says so."""

    bytes: int
    source: str


@dataclass(frozen=True)
class Corstone:
    """The Corstone reference platform that carries an NPU as Arm's FVPs model it, and what Arm's inference runner has there.

    `platforms` are the subsystems that can carry it ("SSE-300", "SSE-310", "SSE-320"), the usual one first. The runner is a
    firmware that finds the model, the input and the output at fixed addresses, each with so many bytes of room;
    `arena_bytes` is its tensor arena, `cache_bytes` its on-chip buffer for an NPU with a memory of its own (0: none).
    `source` says where all this is read from.
    """

    platforms: tuple[str, ...]
    arena_bytes: int
    cache_bytes: int
    model_address: int
    model_bytes: int
    input_address: int
    input_bytes: int
    output_address: int
    output_bytes: int
    source: str


@dataclass(frozen=True)
class Profile:
    """One NPU configuration, read from a TOML file; every figure has its source.

    `arena_area` is Vela's name of the memory that holds the feature maps ("sram" or "dram"), `constants_area` the one that
    holds weights and command stream ("off_chip_flash", "dram" or "sram"). `budget` maps these names to what the platform has.
    `vela_config` is Vela's name of a file it ships ("Arm/vela.ini") or an absolute path, `vela_config_sha256` that of
    its text. `corstone` is the platform that Arm's FVPs put this NPU on, None when the profile does not say.
    `timing_memory` names the memory that our cycle model takes (ethosu_simulator/timing/memory), or is a file of that form.
    """

    name: str
    npu: Npu
    macs: int
    clock_hz: float
    vela_config: str
    system_config: str
    memory_mode: str
    arena_area: MemoryArea
    constants_area: MemoryArea
    budget: dict[MemoryArea, MemoryBudget]
    sources: dict[str, str]
    vela_config_sha256: str = ""
    corstone: Corstone | None = None
    description: str = ""
    timing_memory: str = "mlek"
    path: str = field(default="", compare=False)

    @property
    def accelerator_config(self) -> str:
        """Vela's `--accelerator-config`, for example "ethos-u65-256"."""
        return f"{self.npu}-{self.macs}"

    @property
    def identity(self) -> str:
        """The name with a digest of everything that changes what Vela does: two profiles of one name are told apart."""
        parts = (self.accelerator_config, self.clock_hz, self.vela_config_sha256, self.system_config, self.memory_mode)
        return f"{self.name}:{sha256(repr(parts))[:12]}"
