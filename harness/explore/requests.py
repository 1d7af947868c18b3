"""What is asked of one cell, in words that a process on another machine can take: names, paths and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conversion.steps import Origin
from conversion.vela_options import VelaOptions
from conversion.velas.versions import name_of
from harness.explore.exploration import CellKey, FrontEnd, Weights

Optimise = Literal["", "Size", "Performance"]
AS_COMPILED = "as compiled"
"""In a version's place: the Vela that made a file which came compiled. Programs and npz do not say which one it was."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """One model: a checkpoint, a seeded build of ours by its name, or a file that is quantised already.

    `identity` is the SHA-256 of the file, or the seeded name. `compiled`: the file is one NPU's already. `untrained`: a
    checkpoint's weights come from a seed.
    """

    name: str
    identity: str
    checkpoint: Path | None = None
    seeded: str = ""
    file: Path | None = None
    compiled: bool = False
    untrained: bool = False

    @property
    def origin(self) -> Origin:
        """Where a model that is converted comes from."""
        return Origin(self.name, checkpoint=self.checkpoint, seeded=self.seeded)

    @property
    def weights(self) -> Weights:
        """What is known of its weights."""
        if self.file:
            return "unknown"
        return "seeded" if self.seeded or self.untrained else "trained"


@dataclass(frozen=True, kw_only=True)
class SourceRequest:
    """A model quantised one way; `image_size` and `recipe` are 0 and "" for a file that is quantised already.

    ExecuTorch lowers in a memory format (`layout`) for one NPU (`npu`, a profile's name or file): what it makes for another is
    another source. TFLite's is for all, and both are "". `data` calibrates and judges, `images` and `calibration_images` None
    are the whole split and the recipe's own number.
    """

    model: ModelChoice
    image_size: int = 0
    recipe: str = ""
    frontend: FrontEnd = "tflite"
    layout: str = ""
    npu: str = ""
    data: Path | None = None
    images: int | None = None
    calibration_images: int | None = None


@dataclass(frozen=True, kw_only=True)
class TunedVela(VelaOptions):
    """Vela told what to optimise for, and how many bytes its arena may take in a cache; "" and 0 leave it to the profile."""

    optimise: Optimise = ""
    arena_cache: int = 0

    def arguments(self) -> tuple[str, ...]:
        """What is added to Vela's command line."""
        optimise = ("--optimise", self.optimise) if self.optimise else ()
        arena = ("--arena-cache-size", str(self.arena_cache)) if self.arena_cache else ()
        return (*optimise, *arena)


@dataclass(frozen=True, kw_only=True)
class AccuracyRequest:
    """What is judged once, however many cells share it: a file that this computer runs, whatever compiles it.

    What no computer runs is judged by what its NPU gives, as one Vela compiles it: `npu`, `vela` and `tuned` are of such a file
    alone.
    """

    source: SourceRequest
    npu: str = ""
    vela: str = ""
    tuned: TunedVela = TunedVela()


@dataclass(frozen=True, kw_only=True)
class CellRequest:
    """One cell: a source for an NPU (a profile's name or file) with a memory for our cycle model, by one Vela."""

    source: SourceRequest
    npu: str
    npu_name: str
    memory: str = ""
    vela: str
    tuned: TunedVela = TunedVela()
    with_bytes: bool = False

    @property
    def key(self) -> CellKey:
        """What the cell is called."""
        return CellKey(
            model=self.source.model.name,
            npu=self.npu_name,
            memory=self.memory,
            vela=name_of(self.vela),
            image_size=self.source.image_size,
            recipe=self.source.recipe,
            frontend=self.source.frontend,
            layout=self.source.layout,
            vela_options=" ".join(self.tuned.arguments()),
        )

    @property
    def accuracy(self) -> AccuracyRequest:
        """Whose accuracy is the cell's."""
        if self.source.frontend == "tflite":
            return AccuracyRequest(source=self.source)
        return AccuracyRequest(source=self.source, npu=self.npu, vela=self.vela, tuned=self.tuned)
