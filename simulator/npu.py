"""Fetch, look up, do: runs the commands of one stream; each operation reads its operands, computes, and stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.command_stream import not_modelled
from simulator.errors import NotModelled, SimulatorError, StreamError
from simulator.machine import Machine
from simulator.ops.conv import convolve
from simulator.ops.depthwise import depthwise
from simulator.ops.dma import dma
from simulator.ops.elementwise import UNARY, elementwise, output_scaling
from simulator.ops.matmul import matmul
from simulator.ops.output_stage import global_scaling
from simulator.ops.pool import pool
from simulator.ops.resize import resize
from simulator.ops.window import window
from simulator.trace import Executed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.command_stream import Command

NO_EFFECT = ("OP_IRQ", "OP_DMA_WAIT", "OP_KERNEL_WAIT", "OP_PMU_MASK")
NO_STOP = "command stream ends without NPU_OP_STOP"


def run(machine: Machine, commands: Sequence[Command], trace: list[Executed] | None = None) -> int:
    """Runs to NPU_OP_STOP; the number of operations done, each appended to `trace`."""
    done = 0
    for command in commands:
        name = command.register.name
        if not command.register.is_operation:
            machine.registers.set(command)
        elif name == "OP_STOP":
            return done
        elif name not in NO_EFFECT:
            executed = do(machine, command)
            done += 1
            if trace is not None:
                trace.append(executed)
    raise StreamError(NO_STOP)


def do(machine: Machine, command: Command) -> Executed:
    """Does one operation; an error that does not know its place gets the command's."""
    if command.register.name not in _OPERATIONS:
        raise not_modelled(command, "the whole operation")
    try:
        return _OPERATIONS[command.register.name](machine, command)
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


def _is_global(machine: Machine) -> bool:
    return machine.registers.choice("OFM_PRECISION", "scale_mode") == "GLOBAL"


def _accumulates_from(machine: Machine, command: Command) -> str:
    """Where accumulators begin: `RESET`, or `IFM2` on U85."""
    if not machine.is_u85:
        return "RESET"
    if machine.registers.choice("ACC_FORMAT", "acc_output") != "ENABLE":
        raise not_modelled(command, "acc_output DISABLE")
    source = machine.registers.choice("ACC_FORMAT", "acc_input")
    if source == "KEEP":
        raise not_modelled(command, "acc_input KEEP")
    return source


def _convolution(machine: Machine, command: Command) -> Executed:
    registers, is_depthwise = machine.registers, command.register.name == "OP_DEPTHWISE"
    if _accumulates_from(machine, command) != "RESET":
        raise not_modelled(command, "acc_input IFM2")
    if machine.is_u85 and not is_depthwise and command.get("weights_ifm2"):
        return _matmul(machine, command)
    if _is_global(machine):
        raise not_modelled(command, "OFM scale_mode GLOBAL")
    win = window(registers)
    kernel = machine.kernels.kernel(registers, machine.memory, win, is_depthwise)
    function = depthwise if is_depthwise else convolve
    out = function(machine.ifm(win), kernel, win, machine.zero_point("IFM"), machine.stage())
    machine.store(out)
    return Executed(command, out.shape, macs=int(np.prod(win.ofm)) * kernel.weights[0].size)


def _matmul(machine: Machine, command: Command) -> Executed:
    win = window(machine.registers)
    if not _is_global(machine) or (win.kernel_y, win.kernel_x, win.ofm[0]) != (1, 1, 1):
        raise not_modelled(command, f"weights_ifm2 with a {win.kernel_y} x {win.kernel_x} kernel, {win.ofm[0]} rows, or scales")
    ifm = machine.ifm(win)
    right = machine.read("IFM2", (1, win.ofm[2], ifm.shape[2]))
    zeros = machine.zero_point("IFM"), machine.zero_point("IFM2")
    out = matmul(ifm, right, zeros, global_scaling(machine.registers), machine.stage())
    machine.store(out)
    return Executed(command, out.shape, macs=out.size * ifm.shape[2])


def _pool(machine: Machine, command: Command) -> Executed:
    registers, mode = machine.registers, command.choice("pooling_mode")
    if not _is_global(machine):
        raise not_modelled(command, f"pooling_mode {mode} with OFM scale_mode PER_CHANNEL")
    win = window(registers)
    source = _accumulates_from(machine, command)
    if (source == "IFM2") != (mode == "NONE"):
        raise not_modelled(command, f"pooling_mode {mode} with acc_input {source}")
    which = "IFM2" if mode == "NONE" else "IFM"
    depth = win.ofm[2] if mode == "NONE" else registers.number("IFM_DEPTH_M1") + 1
    ifm = machine.read(which, (win.ifm_height, win.ifm_width, depth))
    divides = machine.is_u85 or _has_padding(machine)
    name = "MEAN" if mode == "AVERAGE" and divides else mode
    out = pool(name, ifm, win, machine.zero_point(which), global_scaling(registers), machine.stage())
    machine.store(out)
    return Executed(command, out.shape, macs=0)


def _has_padding(machine: Machine) -> bool:
    return any(machine.registers.number(f"IFM_PAD_{side}") for side in ("TOP", "LEFT", "BOTTOM", "RIGHT"))


def _elementwise(machine: Machine, command: Command) -> Executed:
    registers, mode = machine.registers, command.choice("elementwise_mode")
    if registers.choice("IFM_UPSCALE", "mode") != "NONE":
        raise not_modelled(command, "IFM_UPSCALE")
    shape = machine.ofm_shape()
    first = machine.operand("IFM", shape)
    second = first if mode in UNARY else machine.operand("IFM2", shape)
    if not machine.is_u85 and mode not in UNARY and registers.choice("IFM2_BROADCAST", "operand_order") == "ORDER_A":
        first, second = second, first
    bits = 8 << registers.number("IFM_PRECISION", "activation_precision")
    a, b = np.broadcast_to(first, shape), np.broadcast_to(second, shape)
    out = elementwise(mode, a, b, registers, output_scaling(registers, mode, bits), machine.stage())
    machine.store(out)
    return Executed(command, out.shape, macs=0)


def _resize(machine: Machine, command: Command) -> Executed:
    out = resize(command.choice("resize_mode"), machine)
    machine.store(out)
    return Executed(command, out.shape, macs=0)


def _dma(machine: Machine, command: Command) -> Executed:
    moved = dma(machine.registers, machine.memory, machine.tables, machine.tables_at)
    return Executed(command, (moved,), macs=0)


_OPERATIONS: dict[str, Callable[[Machine, Command], Executed]] = {
    "OP_CONV": _convolution,
    "OP_DEPTHWISE": _convolution,
    "OP_POOL": _pool,
    "OP_ELEMENTWISE": _elementwise,
    "OP_RESIZE": _resize,
    "OP_DMA_START": _dma,
}
