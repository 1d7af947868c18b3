"""The sliding window: kernel geometry out of the registers, and the input padded and upscaled for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import StreamError
from ethosu_simulator.ops.feature_maps import check_elements, ofm_shape

if TYPE_CHECKING:
    from ethosu_simulator.register_file import RegisterFile

Array = NDArray[Any]


@dataclass(frozen=True)
class Window:
    """Kernel size without dilation, strides, dilations, padding, upscaling, and the sizes that follow from them."""

    kernel_y: int
    kernel_x: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    top: int
    left: int
    upscale: str
    ofm: tuple[int, int, int]
    padded_height: int
    padded_width: int
    inside_height: int  # of the input after upscaling, without padding
    inside_width: int
    ifm_height: int  # before upscaling
    ifm_width: int

    @property
    def is_pixel(self) -> bool:
        """Whether each output pixel sees just the input pixel at its own place."""
        steps = self.kernel_y, self.kernel_x, self.stride_y, self.stride_x
        return steps == (1, 1, 1, 1) and (self.ifm_height, self.ifm_width) == self.ofm[:2]


def window(registers: RegisterFile) -> Window:
    """The window that the registers describe; StreamError when its padding exceeds it."""
    ofm = ofm_shape(registers)
    stride = registers.value("KERNEL_STRIDE")
    stride_x, stride_y = 1 + (stride & 1) + 2 * (stride >> 6 & 1), 1 + (stride >> 1 & 1) + 2 * (stride >> 9 & 1)
    dilation_x, dilation_y = 1 + (stride >> 3 & 1), 1 + (stride >> 4 & 1)
    reach_y, reach_x = registers.number("KERNEL_HEIGHT_M1"), registers.number("KERNEL_WIDTH_M1")
    padded_height, padded_width = (ofm[0] - 1) * stride_y + reach_y + 1, (ofm[1] - 1) * stride_x + reach_x + 1
    top, left = registers.number("IFM_PAD_TOP"), registers.number("IFM_PAD_LEFT")
    height = padded_height - top - registers.number("IFM_PAD_BOTTOM")
    width = padded_width - left - registers.number("IFM_PAD_RIGHT")
    check_elements(padded_height, padded_width, registers.number("IFM_DEPTH_M1") + 1)
    upscale = registers.choice("IFM_UPSCALE", "mode")
    if height < 0 or width < 0:
        raise StreamError(f"padding leaves an input of {height} x {width}")
    inside = height, width
    if upscale != "NONE":
        height, width = (height + 1) // 2, (width + 1) // 2
    return Window(
        reach_y // dilation_y + 1, reach_x // dilation_x + 1, stride_y, stride_x, dilation_y, dilation_x, top, left, upscale,
        ofm, padded_height, padded_width, *inside, height, width,
    )  # fmt: skip


def pad(ifm: Array, win: Window, fill: int, dtype: Any) -> Array:
    """The input [height, width, depth] as `dtype` [padded height, padded width, depth], `fill` around (and between)."""
    if win.upscale == "NEAREST":
        ifm = ifm.repeat(2, axis=0).repeat(2, axis=1)
    elif win.upscale == "ZEROS":
        spread = np.full((ifm.shape[0] * 2, ifm.shape[1] * 2, ifm.shape[2]), fill, ifm.dtype)
        spread[::2, ::2] = ifm
        ifm = spread
    if win.top == win.left == 0 and ifm.shape[:2] == (win.padded_height, win.padded_width):
        return ifm.astype(dtype)
    out = np.full((win.padded_height, win.padded_width, ifm.shape[2]), fill, dtype)
    height, width = min(ifm.shape[0], win.padded_height - win.top), min(ifm.shape[1], win.padded_width - win.left)
    out[win.top : win.top + height, win.left : win.left + width] = ifm[:height, :width]
    return out
