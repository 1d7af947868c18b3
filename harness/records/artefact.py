"""A compiled model and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.records.placement import Placement
from harness.records.profile import Profile


@dataclass(frozen=True)
class ModelFile:
    """A file and the SHA-256 of its bytes."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Estimate:
    """Vela's summary of one compilation: cycles and bytes, none of them measured.

    `memory_bytes` maps Vela's memory areas (sram, dram, on_chip_flash, off_chip_flash) to what the file needs there.
    """

    cycles: int
    latency_us: float
    npu_cycles: int
    macs: int
    memory_bytes: dict[str, int]


@dataclass(frozen=True)
class Compilation:
    """One int8 TFLite file compiled by Vela for one profile."""

    compiled: ModelFile
    profile: Profile
    vela_version: str
    command: tuple[str, ...]
    estimate: Estimate
    placement: Placement
    log: str


@dataclass(frozen=True)
class Artefact:
    """What a target runs: the int8 source file, the compiled file, and where both came from.

    `floating` is the float reference (ONNX), absent when the user brought a TFLite file. `weights` is the fingerprint of
    the checkpoint's weights, `recipe` the quantisation recipe, both empty for a user's own TFLite file.
    """

    variant: str
    source: ModelFile
    compilation: Compilation
    image_size: int
    weights: str = ""
    recipe: str = ""
    floating: ModelFile | None = None
