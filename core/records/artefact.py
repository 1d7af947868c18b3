"""A compiled model and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.records.placement import Placement
from core.records.profile import Profile
from core.records.unavailable import Unavailable


@dataclass(frozen=True)
class ModelFile:
    """A file and the SHA-256 of its bytes."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Estimate:
    """Vela's summary of one compilation: cycles and bytes, none of them measured.

    `memory_bytes` maps Vela's memory areas (sram, dram, on_chip_flash, off_chip_flash) to what the file needs there; feature
    maps lie in `arena_area`, weights and command stream in `constants_area`. `macs` is Vela's own count, which includes copies
    and pooling: `Placement.macs` is the count by definition. Of a file that was compiled elsewhere only the bytes are known.
    """

    cycles: int | Unavailable
    latency_us: float | Unavailable
    npu_cycles: int | Unavailable
    macs: int | Unavailable
    memory_bytes: dict[str, int]
    arena_area: str
    constants_area: str

    @property
    def counted_us(self) -> float:
        """Vela's time of one inference in microseconds, of a file that Vela compiled here."""
        assert not isinstance(self.latency_us, Unavailable)
        return self.latency_us

    @property
    def arena_bytes(self) -> int:
        """Bytes needed in the memory of the feature maps; with constants in the same memory, theirs too."""
        return self.memory_bytes[self.arena_area]


@dataclass(frozen=True)
class Compilation:
    """One file (int8 TFLite, TOSA) compiled by Vela for one profile, or one that came compiled.

    `command` is what was run, with file names only, `log` all that Vela printed, `debug_database` Vela's `*_debug.xml`.
    `moved_constants` lie behind the file's flatbuffer, where this Vela does not read: it was given a copy with them inside.
    """

    compiled: ModelFile
    profile: Profile
    vela_version: str
    command: tuple[str, ...]
    estimate: Estimate
    placement: Placement
    log: str
    debug_database: Path | None = None
    moved_constants: int = 0

    @property
    def estimated_us(self) -> float | Unavailable:
        """Vela's estimate of one inference in microseconds; unavailable when a part of it is work that Vela does not count."""
        left = len(self.placement.cpu)
        if left:
            return Unavailable(f"{left} of {len(self.placement.operators)} operators run on the CPU, where Vela counts nothing")
        return self.estimate.latency_us

    @property
    def npu_estimated_us(self) -> float | Unavailable:
        """Vela's estimate of the NPU's part of one inference in microseconds; unavailable when the NPU runs nothing of it."""
        return self.nothing_on_the_npu or self.estimate.latency_us

    @property
    def nothing_on_the_npu(self) -> Unavailable | None:
        """Why there is no figure of the NPU's part, None when it runs some of it."""
        whole = len(self.placement.cpu) == len(self.placement.operators)
        return Unavailable("nothing of it runs on the NPU") if whole else None


@dataclass(frozen=True)
class Artefact:
    """What a target runs: the int8 source file, the compiled file, and where both came from.

    A TOSA graph is a source too; a file that came compiled is both. `floating` is the float reference (ONNX), absent when the
    user brought the file. `weights` is the fingerprint of
    the checkpoint's weights, `recipe` the quantisation recipe, both empty for a user's own TFLite file.
    """

    variant: str
    source: ModelFile
    compilation: Compilation
    image_size: int
    weights: str = ""
    recipe: str = ""
    floating: ModelFile | None = None
