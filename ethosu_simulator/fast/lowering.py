"""One operation -> a step, when the steps' compiled loops give exactly the same bytes.

Everything is checked here, once: places against their regions, sums against 32 bits, tables against the values that reach
them. What has no step (other element types, transposed output, operands that overlap it, weights that only a run can tell) is
left to ethosu_simulator.npu.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ethosu_simulator.fast.feature_maps import Map, collide
from ethosu_simulator.fast.lower_elementwise import lower_elementwise
from ethosu_simulator.fast.lower_pool import lower_pool
from ethosu_simulator.fast.place import BYTE_TYPES, Place, all_bytes, bytes_of
from ethosu_simulator.fast.products import add_products
from ethosu_simulator.npu import macs
from ethosu_simulator.operations import Convolution, Depthwise, Elementwise, Operation, Pool, Resize
from ethosu_simulator.ops.output_stage import finish
from ethosu_simulator.ops.resize import nearest

if TYPE_CHECKING:
    from collections.abc import Callable


def lower(place: Place, operation: Operation) -> Map | None:
    """Adds the operation as a step: what it writes; None when it is left to ethosu_simulator.npu."""
    function = _LOWERINGS.get(type(operation))
    return function(place, operation) if function else None


def _convolution(place: Place, operation: Convolution | Depthwise) -> Map | None:
    win, output, depthwise = operation.window, operation.output, isinstance(operation, Depthwise)
    if output is None or not operation.accumulators.are_fresh or win.upscale == "ZEROS":
        return None
    stage, zero = place.stage(output), operation.ifm.zero_point
    if stage is None or {operation.ifm.dtype, stage.dtype} - BYTE_TYPES or not _is_element(zero, operation.ifm.dtype):
        return None
    ifm, ofm = place.input(operation.ifm), place.output(output, win.ofm)
    if ifm is None or ofm is None or collide(ifm, ofm, in_place=False) or (depthwise and ifm.shape[2] != win.ofm[2]):
        return None
    kernel = place.machine.kernels.kernel(operation.weights, place.machine.memory)
    columns = place.window(win, ifm, zero) | place.maps(ofm, ifm)
    columns |= place.chunks(win.ofm[0], win.padded_width * ifm.shape[2] * win.stride_y)
    exact = add_products(
        place.builder, columns, kernel, win, stage, zero, depthwise=depthwise, macs=macs(operation), threads=place.threads
    )
    return ofm if exact else None


def _is_element(value: int, dtype: str) -> bool:
    info = np.iinfo(dtype)
    return int(info.min) <= value <= int(info.max)


def _resize(place: Place, operation: Resize) -> Map | None:
    """Nearest by exactly two, of bytes."""
    stage = place.stage(operation.output)
    if operation.mode != "NEAREST" or stage is None or not _doubles(operation):
        return None
    ifm, ofm = place.input(operation.ifm), place.output(operation.output, operation.shape)
    if ifm is None or ofm is None or {ifm.dtype, ofm.dtype} - BYTE_TYPES or collide(ifm, ofm, in_place=False):
        return None
    values = (all_bytes(ifm.dtype) - operation.ifm.zero_point).reshape(-1, 1)
    place.add_map(ifm, ofm, bytes_of(finish(values, operation.scale.scaling(), stage)), 1)
    return ofm


def _doubles(operation: Resize) -> bool:
    """True when every pixel of the input becomes two by two."""
    sides = zip((operation.y, operation.x), operation.shape, operation.ifm.shape, strict=False)
    return all(np.array_equal(nearest(axis, count, size), np.arange(count) // 2) for axis, count, size in sides)


_LOWERINGS: dict[type[Operation], Callable[[Place, Any], Map | None]] = {
    Convolution: _convolution,
    Depthwise: _convolution,
    Pool: lower_pool,
    Elementwise: lower_elementwise,
    Resize: _resize,
}
