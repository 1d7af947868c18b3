"""How an image becomes a classifier's input: resize, colours, mean and standard deviation.

What a model was trained with is not in its shapes: it is read from the model's metadata, from the checkpoint's own framework,
or from `--preprocess`, and never guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import UsageError
from core.records.image_form import ImageForm
from harness.tasks.pixels import in_colours

Resize = Literal["crop", "stretch"]
Order = Literal["rgb", "bgr"]
FLAG = "--preprocess"
FORM = "mean=M[/M/M],std=S[/S/S][,resize=crop|stretch][,order=rgb|bgr], M and S in pixel values 0 to 255"
EXAMPLE = f"{FLAG} mean=0,std=255"
CHOICES = {"resize": ("crop", "stretch"), "order": ("rgb", "bgr")}


@dataclass(frozen=True)
class Preprocess:
    """(pixel - mean) / std for each channel in `order`, of an image brought to the input's size.

    `crop` scales the shorter side to the input's and cuts out the middle, as torchvision and ultralytics do; `stretch` scales
    both sides. `mean` and `std` are in pixel values 0..255, one for all channels or one for each.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Resize = "crop"
    order: Order = "rgb"

    def __str__(self) -> str:
        numbers = {name: "/".join(f"{value:g}" for value in getattr(self, name)) for name in ("mean", "std")}
        return f"mean={numbers['mean']},std={numbers['std']},resize={self.resize},order={self.order}"

    def values(self, image: NDArray[np.uint8], form: ImageForm) -> NDArray[np.float32]:
        """Real values (height, width, channels) of RGB pixels uint8 (rows, columns, 3)."""
        return self.normalised(self.sized(in_colours(image, form.channels), form))

    def sized(self, image: NDArray[np.uint8], form: ImageForm) -> NDArray[np.uint8]:
        """The pixels at the input's size, in its colours."""
        flat = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        box = _middle(flat.size, form) if self.resize == "crop" else None
        if flat.size != (form.width, form.height) or box:
            flat = flat.resize((form.width, form.height), Image.Resampling.BILINEAR, box)
        return np.asarray(flat).reshape(form.height, form.width, form.channels)

    def normalised(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Real values of pixels whose last axis are the channels, RGB."""
        for numbers in (self.mean, self.std):
            if len(numbers) not in (1, pixels.shape[-1]):
                found = f"{FLAG} has {len(numbers)} numbers for each pixel, and the input {pixels.shape[-1]} channels"
                raise UsageError(found, "one number for all channels, or one for each", EXAMPLE)
        turned = pixels[..., ::-1] if self.order == "bgr" else pixels
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        return ((turned.astype(np.float32) - mean) / std).astype(np.float32)


def parse_preprocess(text: str) -> Preprocess:
    """The preprocessing that `--preprocess` asks for; UsageError when it is not written as it has to be."""
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    wrong = [name for name in parts if name not in ("mean", "std", *CHOICES)]
    wrong += [name for name, known in CHOICES.items() if name in parts and parts[name] not in known]
    mean, std = _numbers(parts.get("mean", "")), _numbers(parts.get("std", ""))
    if wrong or not mean or not std or not all(std):
        raise UsageError(f"{FLAG} {text}", FORM, EXAMPLE)
    resize, order = cast("Resize", parts.get("resize", "crop")), cast("Order", parts.get("order", "rgb"))
    return Preprocess(mean, std, resize, order)


def asked_preprocess(text: str) -> str:
    """The text itself when it can be parsed: what it leaves open is for the task to say."""
    if text:
        parse_preprocess(text)
    return text


def require_pixels_of_0_to_1(how: Preprocess | None) -> None:
    """Nothing, or UsageError when a checkpoint would be calibrated on other values than those that it is trained on."""
    if how is not None and (set(how.mean), set(how.std), how.order) != ({0.0}, {255.0}, "rgb"):
        found = f"a checkpoint is quantised on pixels of 0 to 1, and {FLAG} says {how}"
        raise UsageError(found, "mean=0,std=255,order=rgb, as ultralytics trains", EXAMPLE)


def _numbers(text: str) -> tuple[float, ...]:
    """One or three finite numbers, () for anything else."""
    try:
        found = tuple(float(part) for part in text.split("/"))
    except ValueError:
        return ()
    return found if len(found) in (1, 3) and all(map(math.isfinite, found)) else ()


def _middle(size: tuple[int, int], form: ImageForm) -> tuple[float, float, float, float] | None:
    """The largest part in the middle of an image that has the input's proportions; None when that is all of it."""
    width, height = size
    scale = min(width / form.width, height / form.height)
    inner_width, inner_height = form.width * scale, form.height * scale
    left, top = (width - inner_width) / 2, (height - inner_height) / 2
    return None if left == top == 0 else (left, top, left + inner_width, top + inner_height)
