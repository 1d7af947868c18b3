"""What a session was asked to do, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.variants import BY_NAME
from core.errors import UsageError

DEFAULT_PROFILE = "ethos-u65-256"
DEFAULT_TARGET = "sim"
NPU_IMAGES = 4
"""Images that a target with an NPU runs unless --images says otherwise."""
BOARDS = ("ssh:", "farm:")


@dataclass(frozen=True)
class BenchOptions:
    """The options of `pytest benchmarks/`, as docs/reference/options.md describes them.

    `image_size` None means each checkpoint's own training size, "auto" the largest that fits every profile and target;
    `images` None means the whole split. `fvp_engine` "" means Arm's FVP where one is found.
    """

    targets: tuple[str, ...] = (DEFAULT_TARGET,)
    profiles: tuple[str, ...] = (DEFAULT_PROFILE,)
    variants: tuple[str, ...] = ()
    checkpoints: Path | None = None
    checkpoint: Path | None = None
    model: Path | None = None
    base_model: Path | None = None
    data: Path | None = None
    images: int | None = None
    calibration_images: int | None = None
    recipe: str = ""
    image_size: int | Literal["auto"] | None = None
    cut: Literal["raw", "decoded"] = "raw"
    repeats: int = 50
    threads: int = 2
    vela: str = ""
    fvp_engine: Literal["", "arm", "open"] = ""
    fvp: Path | None = None
    fvp_firmware: Path | None = None
    fvp_seconds: int = 900
    targets_file: Path | None = None
    trust_on_first_use: bool = False
    record: Path | None = None
    accuracy_on_target: bool = False
    strict_claims: bool = False
    allow_missing_target: bool = False

    def check(self) -> None:
        """Raise UsageError for what no session could do."""
        given = [option for option in ("checkpoints", "checkpoint", "model") if getattr(self, option)]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} were both given", "one of them")
        for option in ("checkpoint", "model", "base_model"):
            path: Path | None = getattr(self, option)
            if path and not path.is_file():
                kind = "full-integer .tflite file" if option == "model" else "ultralytics .pt file"
                raise UsageError(f"--{option.replace('_', '-')} `{path}` does not exist", f"a {kind}")
        for name, count in (("--repeats", self.repeats), ("--threads", self.threads), ("--fvp-seconds", self.fvp_seconds)):
            if count < 1:
                raise UsageError(f"{name} {count}", "1 or more")
        if self.record and not any(spec.startswith(BOARDS) for spec in self.targets):
            raise UsageError(
                f"--record {self.record}: {', '.join(self.targets)} is no board: nothing is said that could be kept",
                "a board among the targets",
                "--target ssh:NAME",
            )
        unknown = [name for name in self.variants if name not in BY_NAME]
        if unknown and not (self.checkpoint or self.model):
            raise UsageError(f"unknown variant `{unknown[0]}`", f"one of {', '.join(BY_NAME)}")
        if self.recipe and self.recipe not in RECIPES:
            raise UsageError(f"unknown recipe `{self.recipe}`", f"one of {', '.join(RECIPES)}", f"--recipe {DEFAULT_RECIPE}")
        if self.calibration_images is not None and self.calibration_images < 1:
            raise UsageError(
                f"--calibration-images {self.calibration_images}: activation ranges cannot be found without images",
                "1 or more",
                "--calibration-images 64",
            )
