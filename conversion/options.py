"""The options of conversion: recipe, size, where the graph ends; those of Vela are in vela_options.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.vela_options import VelaOptions
from core.errors import UsageError
from core.option_fields import option

LARGEST_STRIDE = 32
"""Of every YOLO head: an image size has to be a multiple of it."""


def asked_size(text: str) -> int | str:
    """The image size of `--imgsz` in pixels, or "auto"; UsageError when it is neither."""
    if text == "auto":
        return text
    if not text.isdigit() or int(text) < 1 or int(text) % LARGEST_STRIDE:
        raise UsageError(f"--imgsz {text}", "a size in pixels, a multiple of 32, or `auto`", "--imgsz 320")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class ConversionOptions(VelaOptions):
    """What changes the converted file.

    `image_size` None means each checkpoint's own training size, "auto" the largest that fits every profile and target.
    """

    recipe: str = option(
        "--recipe",
        "quantisation recipe; `fast` is the plain route, `per-tensor` gives a layer's weights one scale "
        "([recipes](../recipes.md))",
        "",
        metavar="NAME",
        default_text="the best known",
    )
    calibration_images: int | None = option(
        "--calibration-images", "images that the quantiser sees", None, metavar="N", default_text="the recipe's"
    )
    image_size: int | Literal["auto"] | None = option(
        "--imgsz",
        "pixels; 320 for seeded weights on their own; `auto`: the largest that fits every profile and target",
        None,
        metavar="N|auto",
        default_text="the checkpoint's own",
        parse=asked_size,
    )
    cut: Literal["raw", "decoded"] = option("--cut", "the graph ends at the raw head maps, or at boxes and scores", "raw")

    def check_conversion(self) -> None:
        """Raise UsageError for a recipe that nobody knows, and for a calibration without images."""
        if self.recipe and self.recipe not in RECIPES:
            raise UsageError(f"unknown recipe `{self.recipe}`", f"one of {', '.join(RECIPES)}", f"--recipe {DEFAULT_RECIPE}")
        if self.calibration_images is not None and self.calibration_images < 1:
            raise UsageError(
                f"--calibration-images {self.calibration_images}: activation ranges cannot be found without images",
                "1 or more",
                "--calibration-images 64",
            )
