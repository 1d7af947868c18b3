"""Where an operation becomes a step: its feature maps as steps see them, its output stage, its chunks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.fast import layout as at
from ethosu_simulator.fast.feature_maps import Map, dense, in_memory, overlaps_itself
from ethosu_simulator.fast.program import MAX_CHUNK_BYTES, Builder
from ethosu_simulator.operands import Chain, Scalar
from ethosu_simulator.ops.output_stage import check_reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ethosu_simulator.machine import Machine
    from ethosu_simulator.operands import Operand, Output, Shape, Window
    from ethosu_simulator.scaling import GlobalScale, OutputStage

Array = NDArray[Any]

BYTE_TYPES = frozenset(("int8", "uint8"))
GENERAL_TYPES = frozenset(("int8", "uint8", "int16", "uint16", "int32"))
# Elements (times window) beyond which whole-array arithmetic is faster; one by one they cost 50 ns, in a window's sum 2 ns.
MAX_GENERAL_WORK = 1 << 12
MAX_CHAINED_BYTES = 1 << 26


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

    def input(self, operand: Operand) -> Map | None:
        """The map of an operand; None when steps cannot read it."""
        where = operand.where
        if isinstance(where, Scalar):
            return None
        if isinstance(where, Chain):
            found = self.chained.get(where.buffer)
            fits = found is not None and (found.shape, found.dtype) == (operand.shape, operand.dtype)
            return found if fits else None
        return in_memory(where, operand.shape, self.machine.memory, self.starts)

    def output(self, output: Output, shape: Shape) -> Map | None:
        """The map of the output; None when steps cannot write it."""
        if isinstance(output.where, Chain):
            size = math.prod(shape) * np.dtype(output.dtype).itemsize
            return dense(self.chain_start(output.where.buffer, size), shape, output.dtype) if size < MAX_CHAINED_BYTES else None
        if not output.is_straight:
            return None
        self.machine.memory.check_writable(output.where.region)
        found = in_memory(output.where, shape, self.machine.memory, self.starts)
        return None if found is None or overlaps_itself(found) else found

    def stage(self, output: Output) -> OutputStage | None:
        """The output stage; None when its table depends on the run."""
        return None if output.lookup is not None and not self.tables_known else self.machine.stage(output)

    def chunks(self, height: int, row_bytes: int) -> dict[int, int]:
        """How many rows a chunk has, by the bytes that one output row reads."""
        most = max(1, MAX_CHUNK_BYTES // max(1, row_bytes))
        count = max(-(-height // most), min(4 * self.threads, max(1, height // 4)))
        count = max(1, count // self.threads * self.threads) if -(-height // most) <= self.threads <= count else count
        rows = -(-height // count)
        return {at.CHUNK_ROWS: rows, at.CHUNKS: -(-height // rows)}

    def maps(self, ofm: Map, *inputs: Map) -> dict[int, int]:
        """The columns of the output's and one or two inputs' maps."""
        columns = ofm.columns(at.OUT_ROWS, self.builder.numbers(ofm.rows))
        for first, found in zip((at.IN_ROWS, at.IN2_ROWS), inputs, strict=False):
            columns |= found.columns(first, self.builder.numbers(found.rows))
        return columns

    def window(self, win: Window, ifm: Map, fill: int) -> dict[int, int]:
        """The columns that say how the input lies under the window."""
        return {
            at.TOP: win.top, at.LEFT: win.left, at.PADDED_WIDTH: win.padded_width, at.STRIDE_Y: win.stride_y,
            at.STRIDE_X: win.stride_x, at.REACH_Y: (win.kernel_y - 1) * win.dilation_y + 1, at.KERNEL_Y: win.kernel_y,
            at.KERNEL_X: win.kernel_x, at.UPSCALE: int(win.upscale == "NEAREST"), at.INSIDE_HEIGHT: win.inside_height,
            at.INSIDE_WIDTH: win.inside_width, at.PITCH: win.padded_width * ifm.shape[2], at.FLIP: ifm.flip,
            at.FILL: self.builder.data(np.full(16, fill & 0xFF, np.uint8)),
        }  # fmt: skip

    def add_map(self, ifm: Map, ofm: Map, table: NDArray[np.uint8], upscale: int = 0) -> None:
        """A step that looks each byte up in a table, upscaled by two when asked for."""
        columns = self.maps(ofm, ifm) | {at.KIND: at.MAP, at.TABLE: self.builder.data(table), at.UPSCALE: upscale}
        columns |= self.chunks(ofm.shape[0], 2 * ofm.shape[1] * ofm.shape[2])
        self.builder.step(columns, math.prod(ofm.shape) * 4)

    def add_general(
        self, columns: dict[int, int], inputs: list[Map], ofm: Map, stage: OutputStage, scale: GlobalScale, work: int
    ) -> bool:
        """A step of general.py; False when it has an element type that those don't read."""
        if {found.dtype for found in (*inputs, ofm)} - GENERAL_TYPES:
            return False
        words = np.zeros(0, np.int32)
        if stage.table is not None:
            check_reach(stage.table, stage.low, stage.high)
            words = stage.table.values
            columns |= {at.TABLE_KIND: stage.table.kind, at.TABLE_OFFSET: stage.table.offset}
        columns |= self.maps(ofm)
        columns |= {
            at.TABLE: self.builder.data(words) if len(words) else 0, at.TABLE_LENGTH: len(words), at.ZERO: stage.zero_point,
            at.LOW: stage.low, at.HIGH: stage.high, at.ROUND: stage.rounding, at.SCALE: scale.scale, at.SHIFT: scale.shift,
        }  # fmt: skip
        self.builder.step(columns, work * 8)
        return True


def bytes_of(values: Array) -> NDArray[np.uint8]:
    """Values of a byte type -> their bytes."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def all_bytes(dtype: str) -> NDArray[np.int64]:
    """The value of every byte, in the order of its bits."""
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.int64)
