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
from ethosu_simulator.ops.output_stage import OutputStage, Scaling, finish

if TYPE_CHECKING:
    from ethosu_simulator.machine import Machine

Array = NDArray[Any]
Compute = Callable[[Scaling, OutputStage], Array]

_WIDE = np.iinfo(np.int64)
RAW = OutputStage(NATURAL, FIRST_SHIFT, 0, int(_WIDE.min), int(_WIDE.max), "int64", None)
_JOIN: dict[str, Callable[[Array, Array], Array]] = {"MAX": np.maximum, "MIN": np.minimum}
_CANNOT_JOIN = ("MEAN", "ARGMAX_X", "ARGMAX_Y")


def accumulated(machine: Machine, mode: str, scaling: Scaling, compute: Compute | None) -> Array | None:
    """The output of `compute(scaling, stage)`, joined to kept accumulators as ACC_FORMAT asks; None when it has no output.

    Without `compute` (pooling_mode NONE) the operation adds nothing to what the accumulators begin with.
    """
    source, outputs = machine.accumulation()
    if compute is None and source == "RESET":
        raise NotModelled("NPU_OP_POOL", f"pooling_mode {mode} with acc_input RESET")
    if compute is not None and source == "RESET" and outputs:
        return compute(scaling, machine.stage())
    if mode in _CANNOT_JOIN:
        raise NotModelled("NPU_SET_ACC_FORMAT", f"{mode} with acc_input {source}" + ("" if outputs else ", acc_output DISABLE"))
    acc = None
    if compute is not None:
        acc = compute(Scaling(np.zeros_like(scaling.bias), np.ones_like(scaling.scale), np.zeros_like(scaling.shift)), RAW)
    if acc is None or source != "RESET":
        begun = _begun(machine, source)
        acc = begun if acc is None else _JOIN.get(mode, np.add)(acc, begun)
    machine.accumulators = None if outputs else acc
    if not outputs:
        return None
    return finish(acc.reshape(-1, acc.shape[2]), scaling, machine.stage()).reshape(acc.shape)


def _begun(machine: Machine, source: str) -> Array:
    """What the accumulators hold before the operation, int64 [height, width, depth]."""
    shape = machine.ofm_shape()
    if source == "IFM2":
        held = machine.read("IFM2", shape).astype(np.int64) - machine.zero_point("IFM2")
    elif machine.accumulators is None:
        raise StreamError("acc_input KEEP, but no operation before it left accumulators (acc_output DISABLE)")
    else:
        held = machine.accumulators
    if held.shape != shape:
        raise NotModelled("NPU_SET_ACC_FORMAT", f"acc_input {source} with accumulators of shape {held.shape}, output {shape}")
    return held
