"""The state of one NPU, and its feature maps: in memory or chained, scalar or broadcast, transposed or reversed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import MemoryFault, NotModelled, StreamError, WorkLimitError
from ethosu_simulator.limits import Limits
from ethosu_simulator.ops.feature_maps import dtype_of, feature_map, ofm_shape
from ethosu_simulator.ops.output_stage import OutputStage, output_stage
from ethosu_simulator.register_file import RegisterFile

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.memory import Memory
    from ethosu_simulator.ops.window import Window
    from ethosu_simulator.weights import KernelCache

Array = NDArray[Any]
Shape = tuple[int, int, int]

TABLE_BYTES = 2048
_SHRAM_BYTES = {32: 16384, 64: 16384, 128: 24576, 256: 49152, 512: 49152}
_FLIPS = {"H": 0, "W": 1, "C": 2}


class Machine:
    """Registers, table memory, chaining buffers, and the regions that may be reached."""

    def __init__(self, config: NpuConfig, memory: Memory, kernels: KernelCache, limits: Limits | None = None) -> None:
        self.config = config
        self.memory = memory
        self.kernels = kernels
        self.registers = RegisterFile(config)
        self.tables = np.zeros(TABLE_BYTES, np.uint8)
        self.tables_at = 0 if self.is_u85 else _SHRAM_BYTES[config.macs] - TABLE_BYTES
        self.accumulators: Array | None = None  # int64 [height, width, depth], what the last operation did not output
        self.chained: dict[int, Array] = {}
        self.spent = 0
        self._limits = limits or Limits()

    @property
    def is_u85(self) -> bool:
        """True on U85, whose operands may be chained, broadcast both ways, transposed and reversed."""
        return self.config.product == "u85"

    def spend(self, work: int, elements: int = 0) -> None:
        """Counts work before it is done; WorkLimitError or MemoryFault when a limit is passed."""
        self.spent += work
        if self.spent > self._limits.work:
            raise WorkLimitError(f"the stream asks for {self.spent} units of work: expected at most {self._limits.work}")
        if elements > self._limits.elements():
            raise MemoryFault(f"arrays of {elements} elements: expected at most {self._limits.elements()}")

    def accumulation(self) -> tuple[str, bool]:
        """(where accumulators begin: `RESET`, `KEEP` or `IFM2`; whether they are output)."""
        if not self.is_u85:
            return "RESET", True
        outputs = self.registers.choice("ACC_FORMAT", "acc_output") == "ENABLE"
        return self.registers.choice("ACC_FORMAT", "acc_input"), outputs

    def zero_point(self, which: str) -> int:
        """The zero point of `IFM`, `IFM2` or `OFM`, signed as its elements are."""
        unsigned = dtype_of(self.registers, which).startswith("u")
        return self.registers.value(f"{which}_ZERO_POINT") if unsigned else self.registers.signed(f"{which}_ZERO_POINT")

    def stage(self) -> OutputStage:
        """The output stage that the registers describe."""
        return output_stage(self.registers, self.tables)

    def storage(self, which: str) -> str:
        """Where `IFM`, `IFM2` or `OFM` is kept: `TILE2X2` in memory, `CHAINED`, or `NONE` for a scalar."""
        return self.registers.choice(f"{which}_PRECISION", "activation_storage") if self.is_u85 else "TILE2X2"

    def read(self, which: str, shape: Shape) -> Array:
        """`IFM` or `IFM2` as [height, width, depth] of its dtype, out of memory or a chaining buffer."""
        if self.storage(which) != "CHAINED":
            return self.memory.read(feature_map(self.registers, which), shape)
        buffer = self.registers.number(f"{which}_REGION")
        values = self.chained.get(buffer)
        if values is None or values.shape != shape or str(values.dtype) != dtype_of(self.registers, which):
            held = "nothing" if values is None else f"{values.dtype} {values.shape}"
            raise StreamError(f"{which} is chained to buffer {buffer}, which holds {held}: expected {shape}")
        return values

    def ifm(self, win: Window) -> Array:
        """The input under a window; empty where the window sees padding only."""
        if min(win.ifm_height, win.ifm_width) < 1:
            depth = self.registers.number("IFM_DEPTH_M1") + 1
            return np.zeros((win.ifm_height, win.ifm_width, depth), dtype_of(self.registers, "IFM"))
        return self.read("IFM", (win.ifm_height, win.ifm_width, self.registers.number("IFM_DEPTH_M1") + 1))

    def operand(self, which: str, shape: Shape) -> Array:
        """An elementwise operand minus its zero point, int64, of a shape that broadcasts to `shape`."""
        zero = self.zero_point(which)
        broadcast, scalar = self.broadcast(which)
        if scalar is not None:
            return np.full((1, 1, 1), scalar - zero, np.int64)
        height, width, depth = (1 if broadcast >> axis & 1 else size for axis, size in enumerate(shape))
        return self.read(which, (height, width, depth)).astype(np.int64) - zero

    def broadcast(self, which: str) -> tuple[int, int | None]:
        """(bit mask of an operand's broadcast axes H, W, C; the scalar that replaces the operand or None)."""
        return self._broadcast_u85(which) if self.is_u85 else self._broadcast_u55(which)

    def _broadcast_u85(self, which: str) -> tuple[int, int | None]:
        if self.storage(which) != "NONE":
            return self.registers.value(f"{which}_BROADCAST") & 7, None
        value = self.registers.value("OP_SCALAR")
        return 0, value - (value >> 31 << 32)

    def _broadcast_u55(self, which: str) -> tuple[int, int | None]:
        if which == "IFM":
            return 0, None
        flags = self.registers.value("IFM2_BROADCAST")
        if not flags >> 7 & 1:
            return flags & 7, None
        unsigned = dtype_of(self.registers, "IFM2").startswith("u")
        return 0, self.registers.value("IFM2_SCALAR") if unsigned else self.registers.signed("IFM2_SCALAR")

    def ofm_shape(self) -> Shape:
        """(height, width, depth) of the output before any transposition."""
        return ofm_shape(self.registers)

    def store(self, values: Array) -> None:
        """Writes the output [height, width, depth] to memory, transposed or reversed, or to a chaining buffer."""
        storage = self.storage("OFM")
        if storage == "CHAINED":
            self.chained[self.registers.number("OFM_REGION")] = values
            return
        if storage != "TILE2X2":
            raise NotModelled("NPU_SET_OFM_PRECISION", f"activation_storage {storage}")
        if self.is_u85:
            reverse, order = self.turned()
            if reverse != "NONE":
                values = np.flip(values, _FLIPS[reverse])
            values = values.transpose(order)
        self.memory.write(feature_map(self.registers, "OFM"), values)

    def turned(self) -> tuple[str, tuple[int, ...]]:
        """(the axis that is stored backwards or `NONE`, the axes in the order they are stored); U85."""
        transpose = self.registers.choice("OFM_PRECISION", "activation_transpose")
        return self.registers.choice("OFM_PRECISION", "activation_reverse"), tuple(_FLIPS[axis] for axis in transpose)
