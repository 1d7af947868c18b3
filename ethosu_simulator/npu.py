"""Fetch, look up, do: runs the commands of one stream; each operation reads its operands, computes, and stores."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.command_stream import not_modelled
from ethosu_simulator.errors import NotModelled, SimulatorError, StreamError
from ethosu_simulator.machine import Machine
from ethosu_simulator.ops.accumulators import accumulated
from ethosu_simulator.ops.conv import convolve
from ethosu_simulator.ops.depthwise import depthwise
from ethosu_simulator.ops.dma import dma
from ethosu_simulator.ops.elementwise import UNARY, elementwise, output_scaling
from ethosu_simulator.ops.matmul import matmul
from ethosu_simulator.ops.output_stage import OutputStage, Scaling, global_scaling
from ethosu_simulator.ops.pool import pool
from ethosu_simulator.ops.resize import resize
from ethosu_simulator.ops.window import window
from ethosu_simulator.trace import Executed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ethosu_simulator.command_stream import Command

Array = NDArray[Any]

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
    if command.register.name not in OPERATIONS:
        raise not_modelled(command, "the whole operation")
    try:
        machine.spend(*cost(machine, command))
        return OPERATIONS[command.register.name](machine, command)
    except NotModelled as error:
        raise NotModelled(error.opcode, error.field, command.address) from error
    except SimulatorError as error:
        raise type(error)(f"NPU_{command.register.name}: {error.what}", command.address) from error


def cost(machine: Machine, command: Command) -> tuple[int, int]:
    """(work, elements of its arrays) of an operation, before any of it is done; a DMA counts its own bytes."""
    name, registers = command.register.name, machine.registers
    if name == "OP_DMA_START":
        return 0, 0
    elements = math.prod(machine.ofm_shape())
    if name in ("OP_ELEMENTWISE", "OP_RESIZE"):
        return elements, 3 * elements
    win = window(registers)
    inputs = 1 if name == "OP_DEPTHWISE" else registers.number("IFM_DEPTH_M1") + 1
    kernel = win.kernel_y * win.kernel_x * (1 if name == "OP_POOL" else inputs)
    padded = win.padded_height * win.padded_width * inputs
    return elements * kernel + padded, elements + padded


def _is_global(machine: Machine) -> bool:
    return machine.registers.choice("OFM_PRECISION", "scale_mode") == "GLOBAL"


def _stored(machine: Machine, command: Command, out: Array | None, macs: int) -> Executed:
    """The trace of an operation, its output stored unless its accumulators stay inside."""
    if out is not None:
        machine.store(out)
    return Executed(command, machine.ofm_shape() if out is None else out.shape, macs)


def _convolution(machine: Machine, command: Command) -> Executed:
    registers, is_depthwise = machine.registers, command.register.name == "OP_DEPTHWISE"
    if machine.is_u85 and not is_depthwise and command.get("weights_ifm2"):
        return _matmul(machine, command)
    if _is_global(machine):
        raise not_modelled(command, "OFM scale_mode GLOBAL")
    win = window(registers)
    kernel = machine.kernels.kernel(registers, machine.memory, win, is_depthwise)
    function, ifm, zero = depthwise if is_depthwise else convolve, machine.ifm(win), machine.zero_point("IFM")

    def compute(scaling: Scaling, stage: OutputStage) -> Array:
        return function(ifm, kernel if scaling is kernel.scaling else replace(kernel, scaling=scaling), win, zero, stage)

    out = accumulated(machine, command.register.name, kernel.scaling, compute)
    return _stored(machine, command, out, macs=int(np.prod(win.ofm)) * kernel.weights[0].size)


def _matmul(machine: Machine, command: Command) -> Executed:
    win = window(machine.registers)
    if not _is_global(machine) or (win.kernel_y, win.kernel_x, win.ofm[0]) != (1, 1, 1):
        raise not_modelled(command, f"weights_ifm2 with a {win.kernel_y} x {win.kernel_x} kernel, {win.ofm[0]} rows, or scales")
    ifm = machine.ifm(win)
    right = machine.read("IFM2", (1, win.ofm[2], ifm.shape[2]))
    zeros = machine.zero_point("IFM"), machine.zero_point("IFM2")

    def compute(scaling: Scaling, stage: OutputStage) -> Array:
        return matmul(ifm, right, zeros, scaling, stage)

    out = accumulated(machine, "MATMUL", global_scaling(machine.registers), compute)
    return _stored(machine, command, out, macs=int(np.prod(win.ofm)) * ifm.shape[2])


def _pool(machine: Machine, command: Command) -> Executed:
    registers, mode = machine.registers, command.choice("pooling_mode")
    if not _is_global(machine):
        raise not_modelled(command, f"pooling_mode {mode} with OFM scale_mode PER_CHANNEL")
    win = window(registers)
    if mode == "NONE":
        return _stored(machine, command, accumulated(machine, mode, global_scaling(registers), None), macs=0)
    ifm = machine.ifm(win)
    divides = machine.is_u85 or _has_padding(machine)
    name = "MEAN" if mode == "AVERAGE" and divides else mode
    zero = machine.zero_point("IFM")

    def compute(scaling: Scaling, stage: OutputStage) -> Array:
        return pool(name, ifm, win, zero, scaling, stage)

    return _stored(machine, command, accumulated(machine, name, global_scaling(registers), compute), macs=0)


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
    moved = dma(machine.registers, machine.memory, machine.tables, machine.tables_at, machine.spend)
    return Executed(command, (moved,), macs=0)


OPERATIONS: dict[str, Callable[[Machine, Command], Executed]] = {
    "OP_CONV": _convolution,
    "OP_DEPTHWISE": _convolution,
    "OP_POOL": _pool,
    "OP_ELEMENTWISE": _elementwise,
    "OP_RESIZE": _resize,
    "OP_DMA_START": _dma,
}
