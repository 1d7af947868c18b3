"""Elementwise operations as steps: tables of one or two bytes, filled by ethosu_simulator.ops, or element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import general
from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.feature_maps import Map, collide
from ethosu_simulator.fast.place import BYTE_TYPES, MAX_GENERAL_WORK, Place, all_bytes, bytes_of
from ethosu_simulator.operands import Operand, Scalar
from ethosu_simulator.ops.elementwise import elementwise

if TYPE_CHECKING:
    from ethosu_simulator.operations import Elementwise
    from ethosu_simulator.scaling import OutputStage

MIN_PAIRS = 4096  # elements that are worth a table of 65,536
_MODES = {
    "ADD": general.ADD, "SUB": general.SUB, "MUL": general.MUL, "MIN": general.MIN, "MAX": general.MAX, "ABS": general.ABS,
    "CLZ": general.CLZ, "SHR": general.SHR, "SHL": general.SHL,
}  # fmt: skip


def lower_elementwise(place: Place, operation: Elementwise) -> Map | None:
    """What the operation writes, as a step; None when it is left to ethosu_simulator.npu."""
    stage = place.stage(operation.output)
    if stage is None or not (operation.mode in _MODES or operation.mode == "LRELU"):
        return None
    ofm, maps = place.output(operation.output, operation.shape), _maps(place, operation)
    if ofm is None or maps is None or any(collide(found, ofm, in_place=True) for found in maps):
        return None
    if _has_table(operation, maps, ofm):
        _add_table(place, operation, maps, ofm, stage)
        return ofm
    work = math.prod(operation.shape)
    if operation.mode == "LRELU" or work > MAX_GENERAL_WORK:
        return None
    columns = _columns(place, operation)
    return ofm if place.add_general(columns, maps, ofm, stage, operation.scale, work) else None


def _maps(place: Place, operation: Elementwise) -> list[Map] | None:
    """The maps of the operands that are no scalars; None when steps cannot read one."""
    found = [place.input(operand) for operand in operation.operands if not isinstance(operand.where, Scalar)]
    maps = [one for one in found if one is not None]
    return maps if len(maps) == len(found) else None


def _columns(place: Place, operation: Elementwise) -> dict[int, int]:
    """An operand's map, zero point and scale; a scalar has no depth, and minus its value for a zero point."""
    columns = {at.KIND: at.ELEMENTWISE, at.MODE: _MODES[operation.mode]}
    places = ((at.IN_ROWS, at.ZERO_A, at.SCALE_A), (at.IN2_ROWS, at.ZERO_B, at.SCALE_B))
    scales = operation.scale_a, operation.scale_b
    for operand, (rows, zero, first), how in zip(operation.operands, places, scales, strict=False):
        found = place.input(operand)
        if found is not None:
            columns |= found.columns(rows, place.builder.numbers(found.rows))
        columns[zero] = operand.zero_point - (operand.where.value if isinstance(operand.where, Scalar) else 0)
        columns |= dict(enumerate((how.scale, how.shift, how.first, how.mode), first))
    return columns


def _has_table(operation: Elementwise, maps: list[Map], ofm: Map) -> bool:
    """True for one operand of bytes and perhaps a scalar, or two of the output's shape and enough of them."""
    if not maps or {found.dtype for found in (*maps, ofm)} - BYTE_TYPES or any(found.shape != ofm.shape for found in maps):
        return False
    return len(maps) == 1 or math.prod(ofm.shape) >= MIN_PAIRS


def _values(operand: Operand) -> NDArray[np.int64]:
    """Every value that an operand may have, minus its zero point."""
    every = np.array([operand.where.value]) if isinstance(operand.where, Scalar) else all_bytes(operand.dtype)
    return every - operand.zero_point


def _add_table(place: Place, operation: Elementwise, maps: list[Map], ofm: Map, stage: OutputStage) -> None:
    """The result for every byte, or for every pair of bytes, is what ethosu_simulator.ops computes for it."""
    pairs, values = len(maps) == 2, [_values(operand) for operand in operation.operands]
    shape = (256, 256, 1) if pairs else (1, 256, 1)
    first = values[0].reshape((-1, 1, 1) if pairs else (1, -1, 1))
    a, b = np.broadcast_to(first, shape), np.broadcast_to(values[-1].reshape(1, -1, 1), shape)
    table = bytes_of(elementwise(operation, a, b, stage))
    if not pairs:
        place.add_map(maps[0], ofm, table)
        return
    columns = place.maps(ofm, *maps) | {at.KIND: at.MAP_PAIR, at.TABLE: place.builder.data(table)}
    columns |= place.chunks(ofm.shape[0], 3 * ofm.shape[1] * ofm.shape[2])
    place.builder.step(columns, math.prod(ofm.shape) * 64)
