"""Fetch, look up, do: runs the commands of one stream over its memory regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.command_stream import not_modelled
from simulator.errors import NotModelled, SimulatorError, StreamError
from simulator.memory import Memory
from simulator.ops.conv import convolve
from simulator.ops.depthwise import depthwise
from simulator.ops.dma import dma
from simulator.ops.elementwise import UNARY, elementwise, output_scaling
from simulator.ops.feature_maps import dtype_of, feature_map, ofm_shape
from simulator.ops.output_stage import global_scaling, output_stage
from simulator.ops.pool import pool
from simulator.ops.window import Window, window
from simulator.register_file import RegisterFile
from simulator.trace import Executed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.command_stream import Command, NpuConfig
    from simulator.weights import KernelCache

Array = NDArray[Any]
TABLE_BYTES = 2048
_SHRAM_BYTES = {32: 16384, 64: 16384, 128: 24576, 256: 49152, 512: 49152}
_NO_EFFECT = ("OP_IRQ", "OP_DMA_WAIT", "OP_KERNEL_WAIT", "OP_PMU_MASK")


class Npu:
    """One NPU: registers, table memory, and the regions it may reach."""

    def __init__(self, config: NpuConfig, memory: Memory, kernels: KernelCache) -> None:
        self._config = config
        self._memory = memory
        self._kernels = kernels
        self._registers = RegisterFile(config)
        self._tables = np.zeros(TABLE_BYTES, np.uint8)
        self._tables_at = 0 if config.product == "u85" else _SHRAM_BYTES[config.macs] - TABLE_BYTES
        self._do: dict[str, Callable[[Command], Executed]] = {
            "OP_CONV": self._convolution,
            "OP_DEPTHWISE": self._convolution,
            "OP_POOL": self._pool,
            "OP_ELEMENTWISE": self._elementwise,
            "OP_DMA_START": self._dma,
        }

    def run(self, commands: Sequence[Command], trace: list[Executed] | None = None) -> int:
        """Runs to NPU_OP_STOP; the number of operations done, each appended to `trace`."""
        done = 0
        for command in commands:
            name = command.register.name
            if not command.register.is_operation:
                self._registers.set(command)
            elif name == "OP_STOP":
                return done
            elif name in self._do:
                executed = self._step(command)
                done += 1
                if trace is not None:
                    trace.append(executed)
            elif name not in _NO_EFFECT:
                raise not_modelled(command, "the whole operation")
        raise StreamError("command stream ends without NPU_OP_STOP")

    def _step(self, command: Command) -> Executed:
        try:
            return self._do[command.register.name](command)
        except NotModelled as error:
            if error.address is not None:
                raise
            raise NotModelled(error.opcode, error.field, command.address) from error
        except StreamError as error:
            if error.address is not None:
                raise
            raise StreamError(f"NPU_{command.register.name}: {error}", command.address) from error
        except SimulatorError as error:
            raise type(error)(f"0x{command.address:06x}: NPU_{command.register.name}: {error}") from error

    def _zero_point(self, which: str) -> int:
        name = f"{which}_ZERO_POINT"
        if dtype_of(self._registers, which).startswith("u"):
            return self._registers.value(name)
        return self._registers.signed(name)

    def _ifm(self, win: Window) -> Array:
        depth = self._registers.number("IFM_DEPTH_M1") + 1
        return self._memory.read(feature_map(self._registers, "IFM"), (win.ifm_height, win.ifm_width, depth))

    def _store(self, values: Array) -> None:
        self._memory.write(feature_map(self._registers, "OFM"), values)

    def _convolution(self, command: Command) -> Executed:
        registers, is_depthwise = self._registers, command.register.name == "OP_DEPTHWISE"
        if self._config.product == "u85" and not is_depthwise and command.get("weights_ifm2"):
            raise not_modelled(command, "weights_ifm2 = 1")
        if registers.choice("OFM_PRECISION", "scale_mode") == "GLOBAL":
            raise not_modelled(command, "OFM scale_mode GLOBAL")
        win = window(registers)
        kernel = self._kernels.kernel(registers, self._memory, win, is_depthwise)
        stage = output_stage(registers, self._tables)
        ifm = self._ifm(win)
        function = depthwise if is_depthwise else convolve
        out = function(ifm, kernel, win, self._zero_point("IFM"), stage)
        self._store(out)
        return Executed(command, out.shape, macs=int(np.prod(win.ofm)) * kernel.weights[0].size)

    def _pool(self, command: Command) -> Executed:
        registers = self._registers
        mode = registers.config.product, command.get("pooling_mode")
        name = _pooling_name(command)
        win = window(registers)
        if registers.choice("OFM_PRECISION", "scale_mode") != "GLOBAL":
            raise not_modelled(command, f"{name} with OFM scale_mode PER_CHANNEL {mode}")
        stage = output_stage(registers, self._tables)
        out = pool(name, self._ifm(win), win, self._zero_point("IFM"), global_scaling(registers), stage)
        self._store(out)
        return Executed(command, out.shape, macs=0)

    def _elementwise(self, command: Command) -> Executed:
        registers = self._registers
        mode = _enumerator(command, "elementwise_mode")
        if registers.choice("IFM_UPSCALE", "mode") != "NONE":
            raise not_modelled(command, "IFM_UPSCALE")
        shape = ofm_shape(registers)
        first = self._operand("IFM", shape)
        second = first if mode in UNARY else self._operand("IFM2", shape)
        if self._config.product != "u85" and mode not in UNARY and self._is_reversed():
            first, second = second, first
        stage = output_stage(registers, self._tables)
        bits = 8 << registers.number("IFM_PRECISION", "activation_precision")
        a, b = np.broadcast_to(first, shape), np.broadcast_to(second, shape)
        out = elementwise(mode, a, b, registers, output_scaling(registers, mode, bits), stage)
        self._store(out)
        return Executed(command, out.shape, macs=0)

    def _is_reversed(self) -> bool:
        return self._registers.choice("IFM2_BROADCAST", "operand_order") == "ORDER_A"

    def _operand(self, which: str, shape: tuple[int, int, int]) -> Array:
        """An operand minus its zero point, int64, of a shape that broadcasts to the output's."""
        registers, zero = self._registers, self._zero_point(which)
        if self._config.product == "u85":
            scalar = registers.choice(f"{which}_PRECISION", "activation_storage") == "NONE"
            broadcast = registers.number(f"{which}_BROADCAST")
            if scalar:
                value = registers.value("OP_SCALAR")
                return np.full((1, 1, 1), value - (value >> 31 << 32) - zero, np.int64)
            height, width, depth = (1 if broadcast >> i & 1 else n for i, n in enumerate(shape))
        elif which == "IFM":
            height, width, depth = shape
        else:
            flags = registers.value("IFM2_BROADCAST")
            if flags >> 7 & 1:
                return np.full((1, 1, 1), self._scalar_u55() - zero, np.int64)
            height, width, depth = (1 if flags >> i & 1 else n for i, n in enumerate(shape))
        values = self._memory.read(feature_map(registers, which), (height, width, depth))
        return values.astype(np.int64) - zero

    def _scalar_u55(self) -> int:
        value = self._registers.value("IFM2_SCALAR")
        if dtype_of(self._registers, "IFM2").startswith("u"):
            return value
        return self._registers.signed("IFM2_SCALAR")

    def _dma(self, command: Command) -> Executed:
        moved = dma(self._registers, self._memory, self._tables, self._tables_at)
        return Executed(command, (moved,), macs=0)


def _enumerator(command: Command, field: str) -> str:
    from simulator.registers import ENUMS

    row = next(f for f in command.register.fields if f.name == field)
    return ENUMS[row.meaning][row.of(command.value)]


def _pooling_name(command: Command) -> str:
    return _enumerator(command, "pooling_mode")
