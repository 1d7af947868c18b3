"""U85's accumulators between operations: kept inside the NPU (acc_output DISABLE, acc_input KEEP), or begun from IFM2.

An operation that does not output adds to what the next one begins with; bias, scale and everything after belong to the one that
outputs. Vela emits this for strides above 3 and for weights that are not constant (`DecomposeForStrides` and
`DecomposeConv2D` in scheduler_decompose.cpp); an operation never exceeds one block then, so that all of it stays inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled, StreamError
from ethosu_simulator.fixed_point import FIRST_SHIFT, NATURAL
from ethosu_simulator.operations import Pool
from ethosu_simulator.ops.output_stage import finish
from ethosu_simulator.scaling import OutputStage, Scaling

if TYPE_CHECKING:
    from ethosu_simulator.machine import Machine
    from ethosu_simulator.operations import Windowed

Array = NDArray[Any]
Compute = Callable[[Scaling, OutputStage], Array]

_WIDE = np.iinfo(np.int64)
RAW = OutputStage(
    rounding=NATURAL, first_shift=FIRST_SHIFT, zero_point=0, low=int(_WIDE.min), high=int(_WIDE.max), dtype="int64", table=None
)
_JOIN: dict[str, Callable[[Array, Array], Array]] = {"MAX": np.maximum, "MIN": np.minimum}
_CANNOT_JOIN = ("MEAN", "ARGMAX_X", "ARGMAX_Y")


def accumulated(machine: Machine, operation: Windowed, scaling: Scaling, compute: Compute | None) -> Array | None:
    """The output of `compute(scaling, stage)`, joined to kept accumulators as ACC_FORMAT asks; None when it has no output.

    Without `compute` (pooling_mode NONE) the operation adds nothing to what the accumulators begin with.
    """
    mode, output = _function(operation), operation.output
    if compute is not None and operation.accumulators.are_fresh and output is not None:
        return compute(scaling, machine.stage(output))
    _check_joinable(operation, mode)
    acc = None
    if compute is not None:
        acc = compute(Scaling(np.zeros_like(scaling.bias), np.ones_like(scaling.scale), np.zeros_like(scaling.shift)), RAW)
    if acc is None or operation.accumulators.begin != "RESET":
        begun = _begun(machine, operation)
        acc = begun if acc is None else _JOIN.get(mode, np.add)(acc, begun)
    machine.accumulators = acc if output is None else None
    if output is None:
        return None
    return finish(acc.reshape(-1, acc.shape[2]), scaling, machine.stage(output)).reshape(acc.shape)


def _function(operation: Windowed) -> str:
    """A pool's mode, MEAN for an average that divides; the opcode of anything else."""
    if not isinstance(operation, Pool):
        return operation.opcode
    return "MEAN" if operation.divides else operation.mode


def _check_joinable(operation: Windowed, mode: str) -> None:
    if mode in _CANNOT_JOIN:
        begin, outputs = operation.accumulators.begin, operation.accumulators.outputs
        raise NotModelled("NPU_SET_ACC_FORMAT", f"{mode} with acc_input {begin}" + ("" if outputs else ", acc_output DISABLE"))


def _begun(machine: Machine, operation: Windowed) -> Array:
    """What the accumulators hold before the operation, int64 [height, width, depth]."""
    begin, ifm2 = operation.accumulators.begin, operation.accumulators.ifm2
    held = machine.accumulators if ifm2 is None else machine.centred(ifm2)
    if held is None:
        raise StreamError("acc_input KEEP, but no operation before it left accumulators (acc_output DISABLE)")
    if held.shape != operation.shape:
        raise NotModelled(
            "NPU_SET_ACC_FORMAT", f"acc_input {begin} with accumulators of shape {held.shape}, output {operation.shape}"
        )
    return held
