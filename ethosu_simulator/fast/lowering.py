"""One operation and the registers it finds -> a step, when the steps' compiled loops give exactly the same bytes.

Everything is checked here, once: places against their regions, sums against 32 bits, tables against the values that reach
them. What has no step (other element types, transposed output, operands that overlap it, weights that only a run can tell) is
left to ethosu_simulator.npu.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import general
from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.feature_maps import Map, collide, dense, in_memory, overlaps_itself
from ethosu_simulator.fast.products import add_products
from ethosu_simulator.fast.program import MAX_CHUNK_BYTES, Builder
from ethosu_simulator.ops.elementwise import UNARY, elementwise, operand_scales, output_scaling
from ethosu_simulator.ops.feature_maps import dtype_of, feature_map
from ethosu_simulator.ops.output_stage import OutputStage, Scaling, check_reach, finish, global_scaling, one_scale
from ethosu_simulator.ops.resize import FRACTION_BITS, positions
from ethosu_simulator.ops.window import Window, window
from ethosu_simulator.trace import Executed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ethosu_simulator.command_stream import Command
    from ethosu_simulator.machine import Machine

Shape = tuple[int, int, int]
Array = NDArray[Any]

BYTE_TYPES = ("int8", "uint8")
GENERAL_TYPES = ("int8", "uint8", "int16", "uint16", "int32")
# Elements (times window) beyond which whole-array arithmetic is faster; one by one they cost 50 ns, in a window's sum 2 ns.
MAX_GENERAL_WORK = 1 << 12
MAX_WINDOW_WORK = 1 << 16
MIN_PAIRS = 4096  # elements that are worth a table of 65,536
MAX_CHAINED_BYTES = 1 << 26
_MODES = {
    "ADD": general.ADD, "SUB": general.SUB, "MUL": general.MUL, "MIN": general.MIN, "MAX": general.MAX, "ABS": general.ABS,
    "CLZ": general.CLZ, "SHR": general.SHR, "SHL": general.SHL,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where an operation is being lowered: the machine as it will be, its memory map, what chaining buffers will hold."""

    machine: Machine
    builder: Builder
    starts: Mapping[int, int]
    tables_start: int
    chained: Mapping[int, Map]
    chain_start: Callable[[int, int], int]
    tables_known: bool
    threads: int

    def input(self, which: str, shape: Shape) -> Map | None:
        """The map of an operand; None when steps cannot read it."""
        registers = self.machine.registers
        if self.machine.storage(which) == "CHAINED":
            found = self.chained.get(registers.number(f"{which}_REGION"))
            return found if found is not None and (found.shape, found.dtype) == (shape, dtype_of(registers, which)) else None
        return in_memory(feature_map(registers, which), shape, self.machine.memory, self.starts)

    def output(self, shape: Shape) -> Map | None:
        """The map of the output; None when steps cannot write it."""
        registers, storage = self.machine.registers, self.machine.storage("OFM")
        dtype = dtype_of(registers, "OFM")
        if storage == "CHAINED":
            size = math.prod(shape) * np.dtype(dtype).itemsize
            return (
                dense(self.chain_start(registers.number("OFM_REGION"), size), shape, dtype)
                if size < MAX_CHAINED_BYTES
                else None
            )
        if storage != "TILE2X2" or (self.machine.is_u85 and self.machine.turned() != ("NONE", (0, 1, 2))):
            return None
        where = feature_map(registers, "OFM")
        self.machine.memory.check_writable(where.region)
        found = in_memory(where, shape, self.machine.memory, self.starts)
        return None if found is None or overlaps_itself(found) else found

    def stage(self) -> OutputStage | None:
        """The output stage; None when its table depends on the run."""
        stage = self.machine.stage()
        return None if stage.table is not None and not self.tables_known else stage

    def chunks(self, height: int, row_bytes: int) -> dict[int, int]:
        """How many rows a chunk has, by the bytes that one output row reads."""
        most = max(1, MAX_CHUNK_BYTES // max(1, row_bytes))
        count = max(-(-height // most), min(4 * self.threads, max(1, height // 4)))
        count = max(1, count // self.threads * self.threads) if -(-height // most) <= self.threads <= count else count
        rows = -(-height // count)
        return {at.CHUNK_ROWS: rows, at.CHUNKS: -(-height // rows)}


def lower(place: Place, command: Command) -> tuple[Executed, Map] | None:
    """Adds the operation as a step: (what a trace says of it, what it writes); None when it is left to ethosu_simulator.npu."""
    function = _LOWERINGS.get(command.register.name)
    return function(place, command) if function else None


def _begins_afresh(machine: Machine) -> bool:
    """True when accumulators start at zero and are handed out."""
    if not machine.is_u85:
        return True
    registers = machine.registers
    return (registers.choice("ACC_FORMAT", "acc_output"), registers.choice("ACC_FORMAT", "acc_input")) == ("ENABLE", "RESET")


def _is_global(machine: Machine) -> bool:
    return machine.registers.choice("OFM_PRECISION", "scale_mode") == "GLOBAL"


def window_columns(place: Place, win: Window, depth: int, dtype: str, fill: int) -> dict[int, int]:
    """The columns that say how the input lies under the window."""
    return {
        at.TOP: win.top, at.LEFT: win.left, at.PADDED_WIDTH: win.padded_width, at.STRIDE_Y: win.stride_y,
        at.STRIDE_X: win.stride_x, at.REACH_Y: (win.kernel_y - 1) * win.dilation_y + 1, at.KERNEL_Y: win.kernel_y,
        at.KERNEL_X: win.kernel_x, at.UPSCALE: int(win.upscale == "NEAREST"), at.INSIDE_HEIGHT: win.inside_height,
        at.INSIDE_WIDTH: win.inside_width, at.PITCH: win.padded_width * depth,
        at.FLIP: 0 if dtype.startswith("u") else 0x80,
        at.FILL: place.builder.data(np.full(16, fill & 0xFF, np.uint8)),
    }  # fmt: skip


def _convolution(place: Place, command: Command) -> tuple[Executed, Map] | None:
    machine, depthwise = place.machine, command.register.name == "OP_DEPTHWISE"
    registers = machine.registers
    if not _begins_afresh(machine) or _is_global(machine) or (machine.is_u85 and not depthwise and command.get("weights_ifm2")):
        return None
    win, stage = window(registers), place.stage()
    if win.upscale == "ZEROS" or stage is None or {dtype_of(registers, "IFM"), stage.dtype} - set(BYTE_TYPES):
        return None
    depth = registers.number("IFM_DEPTH_M1") + 1
    ifm, ofm = place.input("IFM", (win.ifm_height, win.ifm_width, depth)), place.output(win.ofm)
    if ifm is None or ofm is None or collide(ifm, ofm, in_place=False) or (depthwise and depth != win.ofm[2]):
        return None
    zero = machine.zero_point("IFM")
    if not np.iinfo(ifm.dtype).min <= zero <= np.iinfo(ifm.dtype).max:
        return None
    kernel = machine.kernels.kernel(registers, machine.memory, win, depthwise)
    builder = place.builder
    columns = window_columns(place, win, depth, ifm.dtype, zero)
    columns |= ifm.columns(at.IN_ROWS, builder.numbers(ifm.rows)) | ofm.columns(at.OUT_ROWS, builder.numbers(ofm.rows))
    columns |= place.chunks(win.ofm[0], columns[at.PITCH] * win.stride_y)
    macs = math.prod(win.ofm) * kernel.weights[0].size
    if not add_products(builder, columns, kernel, win, stage, zero, depthwise=depthwise, macs=macs, threads=place.threads):
        return None
    return Executed(command, win.ofm, macs), ofm


def _bytes_of(values: Array) -> NDArray[np.uint8]:
    """Values of a byte type -> their bytes."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _all_bytes(dtype: str) -> NDArray[np.int64]:
    """The value of every byte, in the order of its bits."""
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.int64)


def _add_map(place: Place, ifm: Map, ofm: Map, table: NDArray[np.uint8], upscale: int) -> None:
    builder = place.builder
    columns = ifm.columns(at.IN_ROWS, builder.numbers(ifm.rows)) | ofm.columns(at.OUT_ROWS, builder.numbers(ofm.rows))
    columns |= {at.KIND: at.MAP, at.TABLE: builder.data(table), at.UPSCALE: upscale}
    columns |= place.chunks(ofm.shape[0], 2 * ofm.shape[1] * ofm.shape[2])
    builder.step(columns, math.prod(ofm.shape) * 4)


def _pool(place: Place, command: Command) -> tuple[Executed, Map] | None:
    machine, mode = place.machine, command.choice("pooling_mode")
    registers = machine.registers
    if not _is_global(machine) or not _begins_afresh(machine) or mode not in ("MAX", "MIN", "AVERAGE", "SUM", "REDUCE_SUM"):
        return None
    win, stage = window(registers), place.stage()
    if stage is None or win.upscale == "ZEROS" or win.dilation_y * win.dilation_x != 1:
        return None
    depth = registers.number("IFM_DEPTH_M1") + 1
    ifm, ofm = place.input("IFM", (win.ifm_height, win.ifm_width, depth)), place.output(win.ofm)
    if ifm is None or ofm is None or win.ofm[2] != (1 if mode == "REDUCE_SUM" else depth):
        return None
    if mode == "REDUCE_SUM" and not win.is_pixel:
        return None
    single = (win.kernel_y, win.kernel_x, win.stride_y, win.stride_x) == (1, 1, 1, 1)
    bytewise = {ifm.dtype, ofm.dtype} <= set(BYTE_TYPES) and mode != "REDUCE_SUM"
    scaling, zero = global_scaling(registers), machine.zero_point("IFM")
    done = Executed(command, win.ofm, 0), ofm
    if bytewise and (single or (mode in ("MAX", "MIN") and win.upscale == "NONE")):
        table = _bytes_of(finish((_all_bytes(ifm.dtype) - zero).reshape(-1, 1), scaling, stage))
        if single and not _padded(win) and not collide(ifm, ofm, in_place=win.upscale == "NONE"):
            _add_map(place, ifm, ofm, table, int(win.upscale == "NEAREST"))
            return done
        return done if mode in ("MAX", "MIN") and _add_extreme(place, ifm, ofm, win, table, mode) else None
    if mode in ("MAX", "MIN") or win.upscale != "NONE" or collide(ifm, ofm, in_place=False):
        return None
    divides = mode == "AVERAGE" and (machine.is_u85 or _registers_pad(machine))
    kind = general.REDUCE_SUM if mode == "REDUCE_SUM" else general.MEAN if divides else general.SUM
    columns = window_columns(place, win, depth, ifm.dtype, 0) | {at.KIND: at.POOL, at.MODE: kind, at.ZERO_A: zero}
    work = math.prod(win.ofm) * win.kernel_y * win.kernel_x * (depth if mode == "REDUCE_SUM" else 1)
    most = MAX_GENERAL_WORK if mode == "REDUCE_SUM" else MAX_WINDOW_WORK
    return done if work <= most and _add_general(place, columns, [ifm], ofm, stage, scaling, work) else None


def _padded(win: Window) -> bool:
    return (win.inside_height, win.inside_width) != (win.padded_height, win.padded_width)


def _registers_pad(machine: Machine) -> bool:
    return any(machine.registers.number(f"IFM_PAD_{side}") for side in ("TOP", "LEFT", "BOTTOM", "RIGHT"))


def _add_extreme(place: Place, ifm: Map, ofm: Map, win: Window, table: NDArray[np.uint8], mode: str) -> bool:
    """MAX or MIN of a window that always holds a pixel of the input."""
    after = win.padded_height - win.inside_height - win.top, win.padded_width - win.inside_width - win.left
    if max(win.top, after[0]) >= win.kernel_y or max(win.left, after[1]) >= win.kernel_x or collide(ifm, ofm, in_place=False):
        return False
    builder, depth, flip = place.builder, ifm.shape[2], 0 if ifm.dtype.startswith("u") else 0x80
    fill = (0 if mode == "MAX" else 255) ^ flip
    columns = window_columns(place, win, depth, ifm.dtype, fill) | {at.KIND: at.EXTREME, at.MODE: int(mode == "MAX")}
    columns |= ifm.columns(at.IN_ROWS, builder.numbers(ifm.rows)) | ofm.columns(at.OUT_ROWS, builder.numbers(ofm.rows))
    columns |= {at.TABLE: builder.data(table[np.arange(256) ^ flip])}
    columns |= place.chunks(win.ofm[0], columns[at.PITCH] * win.stride_y)
    rows = (columns[at.CHUNK_ROWS] - 1) * win.stride_y + win.kernel_y
    room = (win.ofm[1] * depth + 64) + rows * columns[at.PITCH] + 64
    builder.step(columns, math.prod(win.ofm) * win.kernel_y * win.kernel_x // 4, room)
    return True


def _add_general(
    place: Place, columns: dict[int, int], inputs: list[Map | None], ofm: Map, stage: OutputStage, scaling: Scaling, work: int
) -> bool:
    """A step of general.py; False when it has an element type that those don't read."""
    types = {found.dtype for found in inputs if found is not None} | {ofm.dtype}
    if types - set(GENERAL_TYPES) or int(scaling.bias[0]):
        return False
    builder, words = place.builder, np.zeros(0, np.int32)
    if stage.table is not None:
        check_reach(stage.table, stage.low, stage.high)
        words = stage.table.values
        columns |= {at.TABLE_KIND: stage.table.kind, at.TABLE_OFFSET: stage.table.offset}
    for first, found in zip((at.IN_ROWS, at.IN2_ROWS), inputs, strict=False):
        if found is not None:
            columns |= found.columns(first, builder.numbers(found.rows))
    columns |= ofm.columns(at.OUT_ROWS, builder.numbers(ofm.rows))
    columns |= {
        at.TABLE: builder.data(words) if len(words) else 0, at.TABLE_LENGTH: len(words), at.ZERO: stage.zero_point,
        at.LOW: stage.low, at.HIGH: stage.high, at.ROUND: stage.rounding, at.SCALE: int(scaling.scale[0]),
        at.SHIFT: int(scaling.shift[0]),
    }  # fmt: skip
    builder.step(columns, work * 8)
    return True


def _elementwise(place: Place, command: Command) -> tuple[Executed, Map] | None:
    machine, mode = place.machine, command.choice("elementwise_mode")
    registers = machine.registers
    stage = place.stage()
    if mode not in (*_MODES, "LRELU") or stage is None or registers.choice("IFM_UPSCALE", "mode") != "NONE":
        return None
    shape = machine.ofm_shape()
    ofm = place.output(shape)
    operands = [_operand(place, which, shape) for which in (("IFM",) if mode in UNARY else ("IFM", "IFM2"))]
    if ofm is None or any(found is None or _in_the_way(found, ofm) for found in operands):
        return None
    if not machine.is_u85 and mode not in UNARY and registers.choice("IFM2_BROADCAST", "operand_order") == "ORDER_A":
        operands.reverse()
    done = Executed(command, shape, 0), ofm
    if _add_table(place, command, [found for found in operands if found is not None], ofm, stage):
        return done
    if mode == "LRELU":
        return None
    scales = operand_scales(registers, mode)
    columns = {at.KIND: at.ELEMENTWISE, at.MODE: _MODES[mode]}
    for found, zero, first, how in zip(operands, (at.ZERO_A, at.ZERO_B), (at.SCALE_A, at.SCALE_B), scales, strict=False):
        columns[zero] = found[1] if found is not None else 0
        columns |= dict(enumerate((how.scale, how.shift, how.first, how.mode), first))
    bits = 8 << registers.number("IFM_PRECISION", "activation_precision")
    scaling = output_scaling(registers, mode, bits)
    maps = [found[0] for found in operands if found is not None]
    work = math.prod(shape)
    return done if work <= MAX_GENERAL_WORK and _add_general(place, columns, maps, ofm, stage, scaling, work) else None


def _operand(place: Place, which: str, shape: Shape) -> tuple[Map | None, int] | None:
    """(map, zero point) of an operand, (None, minus its value) of a scalar; None when steps cannot read it."""
    zero = place.machine.zero_point(which)
    mask, scalar = place.machine.broadcast(which)
    if scalar is not None:
        return None, zero - scalar
    height, width, depth = (1 if mask >> axis & 1 else size for axis, size in enumerate(shape))
    found = place.input(which, (height, width, depth))
    return None if found is None else (found, zero)


def _in_the_way(operand: tuple[Map | None, int], ofm: Map) -> bool:
    return operand[0] is not None and collide(operand[0], ofm, in_place=True)


def _add_table(place: Place, command: Command, operands: list[tuple[Map | None, int]], ofm: Map, stage: OutputStage) -> bool:
    """An operation whose result is looked up: one operand of bytes and perhaps a scalar, or two of the output's shape."""
    maps = [found for found, _zero in operands if found is not None]
    if not maps or {ofm.dtype, *(found.dtype for found in maps)} - set(BYTE_TYPES):
        return False
    if any(found.shape != ofm.shape for found in maps) or (len(maps) == 2 and math.prod(ofm.shape) < MIN_PAIRS):
        return False
    mode, registers = command.choice("elementwise_mode"), place.machine.registers
    values = []
    for index, (found, zero) in enumerate(operands):
        every = np.array([-zero]) if found is None else _all_bytes(found.dtype) - zero
        values.append(every.reshape((1, -1, 1) if index or len(maps) == 1 else (-1, 1, 1)))
    shape = (256, 256, 1) if len(maps) == 2 else (1, 256, 1)
    a, b = np.broadcast_to(values[0], shape), np.broadcast_to(values[-1], shape)
    table = _bytes_of(elementwise(mode, a, b, registers, output_scaling(registers, mode, 8), stage))
    if len(maps) == 1:
        _add_map(place, maps[0], ofm, table, 0)
        return True
    builder = place.builder
    columns = ofm.columns(at.OUT_ROWS, builder.numbers(ofm.rows)) | {at.KIND: at.MAP_PAIR, at.TABLE: builder.data(table)}
    for first, found in zip((at.IN_ROWS, at.IN2_ROWS), maps, strict=True):
        columns |= found.columns(first, builder.numbers(found.rows))
    builder.step(columns | place.chunks(ofm.shape[0], 3 * ofm.shape[1] * ofm.shape[2]), math.prod(ofm.shape) * 64)
    return True


def _resize(place: Place, command: Command) -> tuple[Executed, Map] | None:
    """Nearest by exactly two, of bytes."""
    machine = place.machine
    registers, stage = machine.registers, place.stage()
    height, width, depth = machine.ofm_shape()
    rows, columns = registers.number("KERNEL_HEIGHT_M1") + 1, registers.number("KERNEL_WIDTH_M1") + 1
    shift = registers.number("OFM_SCALE", "shift") - FRACTION_BITS
    if command.choice("resize_mode") != "NEAREST" or stage is None or shift < 0 or registers.number("OFM_SCALE", "scale") != 1:
        return None
    for axis, count, last in (("Y", height, rows - 1), ("X", width, columns - 1)):
        whole, rest, n = positions(registers, axis, count)
        if not np.array_equal(np.clip(whole + (2 * rest >= n), 0, last), np.arange(count) // 2):
            return None
    ifm, ofm = place.input("IFM", (rows, columns, depth)), place.output((height, width, depth))
    if ifm is None or ofm is None or {ifm.dtype, ofm.dtype} - set(BYTE_TYPES) or collide(ifm, ofm, in_place=False):
        return None
    values = (_all_bytes(ifm.dtype) - machine.zero_point("IFM")).reshape(-1, 1)
    _add_map(place, ifm, ofm, _bytes_of(finish(values, one_scale(1, shift), stage)), 1)
    return Executed(command, ofm.shape, 0), ofm


_LOWERINGS: dict[str, Callable[[Place, Command], tuple[Executed, Map] | None]] = {
    "OP_CONV": _convolution,
    "OP_DEPTHWISE": _convolution,
    "OP_POOL": _pool,
    "OP_ELEMENTWISE": _elementwise,
    "OP_RESIZE": _resize,
}
