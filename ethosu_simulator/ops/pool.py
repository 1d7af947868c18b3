"""NPU_OP_POOL: maximum, minimum, sum (scaled to an average by OFM_SCALE), mean, and the sum over channels.

- `MAX`, `MIN`: the largest, smallest `ifm - zero_point` under the window, padding left out.
- `AVERAGE`, `SUM`: the sum of `ifm - zero_point`, where padding counts as zero.
- `MEAN` (the hardware's own average): that sum over the number of pixels that are not padding, halves away from zero.
- `NONE`: the one value of a 1 x 1 window.
- `ARGMAX_X`, `ARGMAX_Y`: the first place of the largest element along the window, times 2**16.
- `REDUCE_SUM`: the sum over all channels of one pixel.

The result then goes through the output stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.jit import compiled
from ethosu_simulator.ops.output_stage import finish
from ethosu_simulator.ops.window import pad, upscaled

if TYPE_CHECKING:
    from collections.abc import Callable

    from ethosu_simulator.operands import Window
    from ethosu_simulator.operations import Pool
    from ethosu_simulator.scaling import OutputStage, Scaling

Array = NDArray[Any]
FRACTION_BITS = 16


@compiled
def _fold(pixel: Array, out: Array, largest: bool) -> None:
    for c in range(len(out)):
        out[c] = max(out[c], pixel[c]) if largest else min(out[c], pixel[c])


@compiled
def _window_extreme(ifm: Array, stride_y: int, stride_x: int, top: int, left: int, kernel_y: int, kernel_x: int, largest: bool,
                    out: Array) -> None:  # fmt: skip
    """Folds the pixels under each window into `out`, which holds the value that never wins."""
    rows, columns, _ = ifm.shape
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            first_row, first_column = y * stride_y - top, x * stride_x - left
            for row in range(max(0, first_row), min(rows, first_row + kernel_y)):
                for column in range(max(0, first_column), min(columns, first_column + kernel_x)):
                    _fold(ifm[row, column], out[y, x], largest)


@compiled
def _window_sum(padded: Array, stride_y: int, stride_x: int, kernel_y: int, kernel_x: int, acc: Array) -> None:
    height, width, depth = acc.shape
    for y in range(height):
        for x in range(width):
            for ky in range(kernel_y):
                for kx in range(kernel_x):
                    for c in range(depth):
                        acc[y, x, c] += padded[y * stride_y + ky, x * stride_x + kx, c]


def pool(operation: Pool, ifm: Array, scaling: Scaling, stage: OutputStage) -> Array:
    """The output [height, width, depth] of `stage.dtype`."""
    function, win = _ACCUMULATORS.get(operation.mode), operation.window
    if function is None:
        raise NotModelled("NPU_OP_POOL", f"pooling_mode {operation.mode}")
    acc = function(ifm, win, operation.ifm.zero_point)
    if operation.divides:
        acc = _mean(acc, win)
    if acc.shape != win.ofm:
        raise NotModelled("NPU_OP_POOL", f"{operation.mode} of {ifm.shape} into {win.ofm}")
    return finish(acc.reshape(-1, win.ofm[2]), scaling, stage).reshape(win.ofm)


def _reduce_sum(ifm: Array, win: Window, zero_point: int) -> Array:
    if not win.is_pixel:
        raise NotModelled("NPU_OP_POOL", "REDUCE_SUM under a window, or with padding or upscaling")
    total: Array = (ifm.astype(np.int64) - zero_point).sum(axis=2, keepdims=True)
    return total


def _max(ifm: Array, win: Window, zero_point: int) -> Array:
    return _extreme(ifm, win, largest=True).astype(np.int64) - zero_point


def _min(ifm: Array, win: Window, zero_point: int) -> Array:
    return _extreme(ifm, win, largest=False).astype(np.int64) - zero_point


def _extreme(ifm: Array, win: Window, *, largest: bool) -> Array:
    if win.upscale == "ZEROS" or win.dilation_y * win.dilation_x != 1:
        raise NotModelled("NPU_OP_POOL", f"MAX with upscaling {win.upscale} or dilation")
    ifm = upscaled(ifm, win, 0)
    # A window that sees padding only holds the value that never wins.
    info = np.iinfo(ifm.dtype)
    out = np.full((win.ofm[0], win.ofm[1], ifm.shape[2]), info.min if largest else info.max, ifm.dtype)
    _window_extreme(ifm, win.stride_y, win.stride_x, win.top, win.left, win.kernel_y, win.kernel_x, largest, out)
    return out


def _sum(ifm: Array, win: Window, zero_point: int) -> Array:
    if win.kernel_y == win.kernel_x == win.stride_y == win.stride_x == 1:
        return pad(ifm, win, zero_point, np.int64) - zero_point
    padded = pad(ifm, win, zero_point, np.int64) - zero_point
    acc = np.zeros((win.ofm[0], win.ofm[1], ifm.shape[2]), np.int64)
    if win.dilation_y * win.dilation_x != 1:
        raise NotModelled("NPU_OP_POOL", "a sum with dilation")
    _window_sum(padded, win.stride_y, win.stride_x, win.kernel_y, win.kernel_x, acc)
    return acc


def _arg_max_x(ifm: Array, win: Window, _zero_point: int) -> Array:
    return _arg_max(ifm, win, 1)


def _arg_max_y(ifm: Array, win: Window, _zero_point: int) -> Array:
    return _arg_max(ifm, win, 0)


def _arg_max(ifm: Array, win: Window, axis: int) -> Array:
    """The first place of the largest element along one axis, held above 16 bits of value that OFM_SCALE shifts away."""
    kernel, other = (win.kernel_x, win.kernel_y) if axis else (win.kernel_y, win.kernel_x)
    strides = {win.stride_y, win.stride_x, win.dilation_y, win.dilation_x}
    if other != 1 or strides != {1} or ifm.shape[axis] != win.ofm[axis] + kernel - 1 or win.upscale != "NONE":
        raise NotModelled("NPU_OP_POOL", "ARGMAX with padding, strides or a kernel of two dimensions")
    places: Array = sliding_window_view(ifm, kernel, axis).argmax(axis=-1).astype(np.int64) << FRACTION_BITS
    return places


def _mean(acc: Array, win: Window) -> Array:
    rows = _valid(win.ofm[0], win.stride_y, win.top, win.kernel_y, win.inside_height)
    columns = _valid(win.ofm[1], win.stride_x, win.left, win.kernel_x, win.inside_width)
    count = (rows[:, None] * columns)[:, :, None]
    mean: Array = np.sign(acc) * ((2 * np.abs(acc) + count) // (2 * count))
    return mean


def _valid(count: int, stride: int, before: int, kernel: int, size: int) -> Array:
    """How many of the kernel's places lie inside the input, for each of `count` output coordinates."""
    start = np.arange(count, dtype=np.int64) * stride - before
    inside: Array = np.maximum(1, np.minimum(start + kernel, size) - np.maximum(start, 0))
    return inside


_ACCUMULATORS: dict[str, Callable[[Array, Window, int], Array]] = {
    "REDUCE_SUM": _reduce_sum,
    "MAX": _max,
    "MIN": _min,
    "AVERAGE": _sum,
    "SUM": _sum,
    "NONE": _sum,
    "ARGMAX_X": _arg_max_x,
    "ARGMAX_Y": _arg_max_y,
}
