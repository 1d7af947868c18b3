"""Operation after operation: each reads its operands, computes, and stores."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled, SimulatorError, StreamError
from ethosu_simulator.operations import (
    Computation,
    Convolution,
    Depthwise,
    Dma,
    Elementwise,
    Interrupt,
    Matmul,
    Operation,
    PerformanceMask,
    Pool,
    Refused,
    Resize,
    Stop,
    Wait,
    Windowed,
)
from ethosu_simulator.ops.accumulators import Compute, accumulated
from ethosu_simulator.ops.conv import convolve
from ethosu_simulator.ops.depthwise import depthwise
from ethosu_simulator.ops.dma import dma
from ethosu_simulator.ops.elementwise import elementwise
from ethosu_simulator.ops.matmul import matmul
from ethosu_simulator.ops.pool import pool
from ethosu_simulator.ops.resize import resize
from ethosu_simulator.trace import Executed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ethosu_simulator.machine import Machine
    from ethosu_simulator.scaling import OutputStage, Scaling

Array = NDArray[Any]

NO_EFFECT = (Interrupt, PerformanceMask, Wait)
NO_STOP = "command stream ends without NPU_OP_STOP"


def run(machine: Machine, operations: Iterable[Operation], trace: list[Executed] | None = None) -> int:
    """Runs to NPU_OP_STOP; the number of operations done, each appended to `trace`."""
    done = 0
    for operation in operations:
        if isinstance(operation, Stop):
            return done
        if not isinstance(operation, NO_EFFECT):
            executed = do(machine, operation)
            done += 1
            if trace is not None:
                trace.append(executed)
    raise StreamError(NO_STOP)


def do(machine: Machine, operation: Operation) -> Executed:
    """Does one operation; an error that does not know its place gets the operation's."""
    try:
        if isinstance(operation, Computation):
            machine.spend(*cost(operation))
        return _WAYS[type(operation)](operation, machine)
    except NotModelled as error:
        raise NotModelled(error.opcode, error.field, operation.address) from error
    except SimulatorError as error:
        raise type(error)(f"{operation.opcode}: {error.what}", operation.address) from error


def cost(operation: Computation) -> tuple[int, int]:
    """(work, elements of its arrays) of an operation, before any of it is done; a DMA counts its own bytes."""
    elements = math.prod(operation.shape)
    if not isinstance(operation, Windowed):
        return elements, 3 * elements
    win = operation.window
    inputs = 1 if isinstance(operation, Depthwise) else operation.ifm.shape[2]
    kernel = win.kernel_y * win.kernel_x * (1 if isinstance(operation, Pool) else inputs)
    padded = win.padded_height * win.padded_width * inputs
    return elements * kernel + padded, elements + padded


def macs(operation: Operation) -> int:
    """The multiply-accumulates of an operation."""
    if isinstance(operation, (Convolution, Depthwise)):
        return math.prod(operation.shape) * math.prod(operation.weights.shape[1:])
    return math.prod(operation.shape) * operation.ifm.shape[2] if isinstance(operation, Matmul) else 0


def _refused(operation: Refused, _machine: Machine) -> Executed:
    raise operation.error


def _accumulate(machine: Machine, operation: Windowed, scaling: Scaling, compute: Compute | None) -> Executed:
    """The operation's trace, its output stored unless its accumulators stay inside."""
    out = accumulated(machine, operation, scaling, compute)
    if out is not None and operation.output is not None:
        machine.store(operation.output, out)
    return Executed(operation, operation.shape, macs(operation))


def _convolution(operation: Convolution | Depthwise, machine: Machine) -> Executed:
    kernel = machine.kernels.kernel(operation.weights, machine.memory)
    ifm, win, zero = machine.read(operation.ifm), operation.window, operation.ifm.zero_point
    function = depthwise if isinstance(operation, Depthwise) else convolve

    def compute(scaling: Scaling, stage: OutputStage) -> Array:
        return function(ifm, kernel if scaling is kernel.scaling else replace(kernel, scaling=scaling), win, zero, stage)

    return _accumulate(machine, operation, kernel.scaling, compute)


def _matmul(operation: Matmul, machine: Machine) -> Executed:
    left, right = machine.read(operation.ifm), machine.read(operation.ifm2)
    zeros = operation.ifm.zero_point, operation.ifm2.zero_point

    def compute(scaling: Scaling, stage: OutputStage) -> Array:
        return matmul(left, right, zeros, scaling, stage)

    return _accumulate(machine, operation, operation.scale.scaling(), compute)


def _pool(operation: Pool, machine: Machine) -> Executed:
    scaling = operation.scale.scaling()
    if operation.mode == "NONE":
        return _accumulate(machine, operation, scaling, None)
    ifm = machine.read(operation.ifm)

    def compute(scaling: Scaling, stage: OutputStage) -> Array:
        return pool(operation, ifm, scaling, stage)

    return _accumulate(machine, operation, scaling, compute)


def _elementwise(operation: Elementwise, machine: Machine) -> Executed:
    first = machine.centred(operation.a)
    second = first if operation.b is None else machine.centred(operation.b)
    a, b = np.broadcast_to(first, operation.shape), np.broadcast_to(second, operation.shape)
    machine.store(operation.output, elementwise(operation, a, b, machine.stage(operation.output)))
    return Executed(operation, operation.shape, 0)


def _resize(operation: Resize, machine: Machine) -> Executed:
    machine.store(operation.output, resize(operation, machine.centred(operation.ifm), machine.stage(operation.output)))
    return Executed(operation, operation.shape, 0)


def _dma(operation: Dma, machine: Machine) -> Executed:
    return Executed(operation, (dma(operation, machine),), 0)


_WAYS: dict[type[Operation], Callable[[Any, Machine], Executed]] = {
    Refused: _refused,
    Convolution: _convolution,
    Depthwise: _convolution,
    Matmul: _matmul,
    Pool: _pool,
    Elementwise: _elementwise,
    Resize: _resize,
    Dma: _dma,
}
