"""Pools as steps: a table for one pixel of bytes, the largest or smallest byte of a window, sums of any element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import general
from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.feature_maps import Map, collide
from ethosu_simulator.fast.place import BYTE_TYPES, MAX_GENERAL_WORK, Place, all_bytes, bytes_of
from ethosu_simulator.ops.output_stage import finish

if TYPE_CHECKING:
    from ethosu_simulator.operands import Window
    from ethosu_simulator.operations import Pool
    from ethosu_simulator.scaling import OutputStage

MAX_WINDOW_WORK = 1 << 16
EXTREMES = ("MAX", "MIN")
_SUMS = {"AVERAGE": general.SUM, "SUM": general.SUM, "REDUCE_SUM": general.REDUCE_SUM}


def lower_pool(place: Place, operation: Pool) -> Map | None:
    """What the pool writes, as a step; None when it is left to ethosu_simulator.npu."""
    output = operation.output
    if output is None or not _is_stepwise(operation):
        return None
    stage = place.stage(output)
    ifm, ofm = place.input(operation.ifm), place.output(output, operation.shape)
    if stage is None or ifm is None or ofm is None:
        return None
    add = _add_sum
    if {ifm.dtype, ofm.dtype} <= BYTE_TYPES and operation.mode != "REDUCE_SUM":
        add = _add_pixel if _is_one_pixel(operation.window) else _add_extreme if operation.mode in EXTREMES else _add_sum
    return ofm if add(place, operation, ifm, ofm, stage) else None


def _is_stepwise(operation: Pool) -> bool:
    """True for what a step may do, whatever its elements are and wherever they lie."""
    win = operation.window
    known = operation.mode in EXTREMES or operation.mode in _SUMS
    plain = win.upscale != "ZEROS" and win.dilation_y * win.dilation_x == 1
    return known and plain and operation.accumulators.are_fresh and _depths_agree(operation)


def _add_pixel(place: Place, operation: Pool, ifm: Map, ofm: Map, stage: OutputStage) -> bool:
    """One pixel of bytes for each: a table, or with padding an extreme."""
    win = operation.window
    if _is_padded(win) or collide(ifm, ofm, in_place=win.upscale == "NONE"):
        return operation.mode in EXTREMES and _add_extreme(place, operation, ifm, ofm, stage)
    place.add_map(ifm, ofm, _byte_table(operation, stage), int(win.upscale == "NEAREST"))
    return True


def _depths_agree(operation: Pool) -> bool:
    if operation.mode == "REDUCE_SUM":
        return operation.shape[2] == 1 and operation.window.is_pixel
    return operation.shape[2] == operation.ifm.shape[2]


def _is_one_pixel(win: Window) -> bool:
    return (win.kernel_y, win.kernel_x, win.stride_y, win.stride_x) == (1, 1, 1, 1)


def _is_padded(win: Window) -> bool:
    return (win.inside_height, win.inside_width) != (win.padded_height, win.padded_width)


def _byte_table(operation: Pool, stage: OutputStage) -> NDArray[np.uint8]:
    """The output byte of every input byte."""
    values = (all_bytes(operation.ifm.dtype) - operation.ifm.zero_point).reshape(-1, 1)
    return bytes_of(finish(values, operation.scale.scaling(), stage))


def _add_extreme(place: Place, operation: Pool, ifm: Map, ofm: Map, stage: OutputStage) -> bool:
    """MAX or MIN of a window that always holds a pixel of the input."""
    win, largest = operation.window, operation.mode == "MAX"
    after = win.padded_height - win.inside_height - win.top, win.padded_width - win.inside_width - win.left
    outside = max(win.top, after[0]) >= win.kernel_y or max(win.left, after[1]) >= win.kernel_x
    if outside or win.upscale != "NONE" or collide(ifm, ofm, in_place=False):
        return False
    table = _byte_table(operation, stage)
    columns = place.window(win, ifm, (0 if largest else 255) ^ ifm.flip) | place.maps(ofm, ifm)
    columns |= {at.KIND: at.EXTREME, at.MODE: int(largest), at.TABLE: place.builder.data(table[np.arange(256) ^ ifm.flip])}
    columns |= place.chunks(win.ofm[0], columns[at.PITCH] * win.stride_y)
    rows = (columns[at.CHUNK_ROWS] - 1) * win.stride_y + win.kernel_y
    scratch_bytes = (win.ofm[1] * ifm.shape[2] + 64) + rows * columns[at.PITCH] + 64
    place.builder.step(columns, math.prod(win.ofm) * win.kernel_y * win.kernel_x // 4, scratch_bytes)
    return True


def _add_sum(place: Place, operation: Pool, ifm: Map, ofm: Map, stage: OutputStage) -> bool:
    """AVERAGE, SUM or REDUCE_SUM of few elements."""
    win, mode = operation.window, operation.mode
    if mode in EXTREMES or win.upscale != "NONE" or collide(ifm, ofm, in_place=False):
        return False
    over_channels = mode == "REDUCE_SUM"
    work = math.prod(win.ofm) * win.kernel_y * win.kernel_x * (ifm.shape[2] if over_channels else 1)
    if work > (MAX_GENERAL_WORK if over_channels else MAX_WINDOW_WORK):
        return False
    kind = general.MEAN if operation.divides else _SUMS[mode]
    columns = place.window(win, ifm, 0) | {at.KIND: at.POOL, at.MODE: kind, at.ZERO_A: operation.ifm.zero_point}
    columns |= place.maps(ofm, ifm)
    return place.add_general(columns, [ifm], ofm, stage, operation.scale, work)
