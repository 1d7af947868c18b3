"""NPU_OP_CONV: `acc[y, x, o] = sum(weights[o, ky, kx, i] * (ifm[...] - ifm_zero_point))`, as matrix products.

Floating-point products are exact here: every partial sum is an integer below 2**24 (float32) or 2**53 (float64), which the
bound `sum(|weights|) * max(|ifm|)` proves beforehand for each kernel; so the order in which BLAS adds does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.ops.output_stage import finish
from ethosu_simulator.ops.window import pad
from ethosu_simulator.scaling import Scaling

if TYPE_CHECKING:
    from ethosu_simulator.operands import Window
    from ethosu_simulator.scaling import OutputStage
    from ethosu_simulator.weights import Kernel

Array = NDArray[Any]

COLUMN_BYTES = 1 << 22  # the patch matrix is cut into row groups of about this size, to stay in cache


def exact_dtype(kernel_magnitude: int, ifm_magnitude: int) -> str:
    """The narrowest floating dtype in which the sums are exact."""
    bound = kernel_magnitude * ifm_magnitude
    if bound < 1 << 24:
        return "float32"
    if bound < 1 << 53:
        return "float64"
    raise NotModelled("NPU_OP_CONV", f"sums up to {bound}, beyond exact arithmetic")


def ifm_magnitude(dtype: str, zero_point: int) -> int:
    """The largest absolute value of an element or of the padding."""
    info = np.iinfo(dtype)
    return max(-int(info.min), int(info.max), abs(zero_point))


def convolve(ifm: Array, kernel: Kernel, win: Window, zero_point: int, stage: OutputStage) -> Array:
    """The output [height, width, depth] of `stage.dtype` for an input [height, width, depth]."""
    dtype = exact_dtype(kernel.magnitude, ifm_magnitude(str(ifm.dtype), zero_point))
    matrix = kernel.matrix(dtype)
    padded = pad(ifm, win, zero_point, dtype)
    scaling = Scaling(kernel.scaling.bias - zero_point * kernel.sums, kernel.scaling.scale, kernel.scaling.shift)
    height, width, depth = win.ofm
    out = np.empty((height * width, depth), stage.dtype)
    step = max(1, COLUMN_BYTES // (width * len(matrix) * np.dtype(dtype).itemsize))
    for row in range(0, height, step):
        rows = min(step, height - row)
        acc = _patches(padded, win, row, rows) @ matrix
        out[row * width : (row + rows) * width] = finish(acc, scaling, stage)
    return out.reshape(win.ofm)


def _patches(padded: Array, win: Window, row: int, rows: int) -> Array:
    """The patches under `rows` output rows from `row` on: [rows * width, kernel_y * kernel_x * depth]."""
    stride_y, stride_x, stride_c = padded.strides
    shape = (rows, win.ofm[1], win.kernel_y, win.kernel_x, padded.shape[2])
    strides = (
        stride_y * win.stride_y, stride_x * win.stride_x, stride_y * win.dilation_y, stride_x * win.dilation_x, stride_c,
    )  # fmt: skip
    view = as_strided(padded[row * win.stride_y :], shape, strides)
    return view.reshape(rows * win.ofm[1], -1)
