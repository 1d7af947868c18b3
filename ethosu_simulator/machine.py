"""The state of one NPU, and its feature maps: in memory or chained, scalar or broadcast, transposed or reversed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import MemoryFault, StreamError, WorkLimitError
from ethosu_simulator.limits import Limits
from ethosu_simulator.operands import Chain, Operand, Output, Scalar
from ethosu_simulator.products import CONFIGURATIONS, TABLE_BYTES

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.memory import Memory
    from ethosu_simulator.scaling import OutputStage
    from ethosu_simulator.weights import KernelCache

Array = NDArray[Any]


class Machine:
    """Table memory, accumulators, chaining buffers, and the regions that may be reached."""

    def __init__(self, config: NpuConfig, memory: Memory, kernels: KernelCache, limits: Limits | None = None) -> None:
        self.config = config
        self.memory = memory
        self.kernels = kernels
        self.tables = np.zeros(TABLE_BYTES, np.uint8)
        self.tables_at = CONFIGURATIONS[config.product, config.macs].tables_at
        self.accumulators: Array | None = None  # int64 [height, width, depth], what the last operation did not output
        self.chained: dict[int, Array] = {}
        self.spent = 0
        self._limits = limits or Limits()

    def spend(self, work: int, elements: int = 0) -> None:
        """Counts work before it is done; WorkLimitError or MemoryFault when a limit is passed."""
        self.spent += work
        if self.spent > self._limits.work:
            raise WorkLimitError(f"the stream asks for {self.spent} units of work: expected at most {self._limits.work}")
        if elements > self._limits.elements():
            raise MemoryFault(f"arrays of {elements} elements: expected at most {self._limits.elements()}")

    def stage(self, output: Output) -> OutputStage:
        """The output stage with its table as it is now."""
        return output.stage if output.lookup is None else replace(output.stage, table=output.lookup.table(self.tables))

    def read(self, operand: Operand) -> Array:
        """An operand as [height, width, depth] of its dtype, out of memory or a chaining buffer, or a scalar."""
        if min(operand.shape) < 1:  # a window that sees padding only
            return np.zeros(operand.shape, operand.dtype)
        where = operand.where
        if isinstance(where, Scalar):
            return np.full(operand.shape, where.value, np.int64)
        return self._chained(operand, where.buffer) if isinstance(where, Chain) else self.memory.read(where, operand.shape)

    def _chained(self, operand: Operand, buffer: int) -> Array:
        values = self.chained.get(buffer)
        if values is None or values.shape != operand.shape or str(values.dtype) != operand.dtype:
            held = "nothing" if values is None else f"{values.dtype} {values.shape}"
            raise StreamError(f"{operand.role} is chained to buffer {buffer}, which holds {held}: expected {operand.shape}")
        return values

    def centred(self, operand: Operand) -> Array:
        """An operand minus its zero point, int64."""
        return self.read(operand).astype(np.int64) - operand.zero_point

    def store(self, output: Output, values: Array) -> None:
        """Writes the output [height, width, depth] to memory, reversed and transposed, or to a chaining buffer."""
        if isinstance(output.where, Chain):
            self.chained[output.where.buffer] = values
            return
        if output.reverse is not None:
            values = np.flip(values, output.reverse)
        self.memory.write(output.where, values.transpose(output.order))
