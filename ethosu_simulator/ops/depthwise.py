"""NPU_OP_DEPTHWISE: `acc[y, x, c] = sum(weights[c, ky, kx] * (ifm[y*s + ky*d, x*s + kx*d, c] - ifm_zero_point))`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import StreamError
from ethosu_simulator.jit import compiled
from ethosu_simulator.ops.output_stage import finish
from ethosu_simulator.ops.window import pad
from ethosu_simulator.scaling import Scaling

if TYPE_CHECKING:
    from ethosu_simulator.operands import Window
    from ethosu_simulator.scaling import OutputStage
    from ethosu_simulator.weights import Kernel

Array = NDArray[Any]


@compiled
def _accumulate(
    padded: Array, weights: Array, stride_y: int, stride_x: int, dilation_y: int, dilation_x: int, acc: Array
) -> None:
    height, width, depth = acc.shape
    kernel_y, kernel_x, _ = weights.shape
    for y in range(height):
        for x in range(width):
            for ky in range(kernel_y):
                for kx in range(kernel_x):
                    row, column = y * stride_y + ky * dilation_y, x * stride_x + kx * dilation_x
                    for c in range(depth):
                        acc[y, x, c] += padded[row, column, c] * weights[ky, kx, c]


def depthwise(ifm: Array, kernel: Kernel, win: Window, zero_point: int, stage: OutputStage) -> Array:
    """The output [height, width, depth] of `stage.dtype` for an input of the same depth (or depth 1)."""
    height, width, depth = win.ofm
    if ifm.shape[2] not in (1, depth):
        raise StreamError(f"depthwise convolution of {ifm.shape[2]} channels into {depth}")
    wide = np.int64 if ifm.dtype.itemsize > 1 else np.int32
    padded = pad(ifm, win, zero_point, wide)
    if padded.shape[2] != depth:
        padded = np.ascontiguousarray(np.broadcast_to(padded, (*padded.shape[:2], depth)))
    weights = np.ascontiguousarray(kernel.weights[:, :, :, 0].transpose(1, 2, 0).astype(wide))
    acc = np.zeros((height, width, depth), wide)
    _accumulate(padded, weights, win.stride_y, win.stride_x, win.dilation_y, win.dilation_x, acc)
    scaling = Scaling(kernel.scaling.bias - zero_point * kernel.sums, kernel.scaling.scale, kernel.scaling.shift)
    return finish(acc.reshape(-1, depth), scaling, stage).reshape(win.ofm)
