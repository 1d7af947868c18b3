"""The input as the sliding window sees it: padded and upscaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ethosu_simulator.operands import Window

Array = NDArray[Any]


def upscaled(ifm: Array, win: Window, fill: int) -> Array:
    """The input, every pixel twice in both directions (NEAREST) or with `fill` between (ZEROS) when the window asks for it."""
    if win.upscale == "NEAREST":
        return ifm.repeat(2, axis=0).repeat(2, axis=1)[: win.inside_height, : win.inside_width]
    if win.upscale == "ZEROS":
        spread = np.full((ifm.shape[0] * 2, ifm.shape[1] * 2, ifm.shape[2]), fill, ifm.dtype)
        spread[::2, ::2] = ifm
        return spread[: win.inside_height, : win.inside_width]
    return ifm


def pad(ifm: Array, win: Window, fill: int, dtype: Any) -> Array:
    """The input [height, width, depth] as `dtype` [padded height, padded width, depth], `fill` around (and between)."""
    ifm = upscaled(ifm, win, fill)
    if win.top == win.left == 0 and ifm.shape[:2] == (win.padded_height, win.padded_width):
        return ifm.astype(dtype)
    out = np.full((win.padded_height, win.padded_width, ifm.shape[2]), fill, dtype)
    height, width = min(ifm.shape[0], win.padded_height - win.top), min(ifm.shape[1], win.padded_width - win.left)
    out[win.top : win.top + height, win.left : win.left + width] = ifm[:height, :width]
    return out
