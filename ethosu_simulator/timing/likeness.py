"""Which operations ask for the same: networks repeat their layers at other addresses."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ethosu_simulator.memory import FeatureMap
from ethosu_simulator.operations import Computation, Convolution, Depthwise, Windowed
from ethosu_simulator.timing.hardware import BURST_BYTES


def likeness(operation: Computation) -> Hashable:
    """What an operation's work depends on: two operations of one likeness ask for the same, at other addresses."""
    schedule = operation.schedule
    parts: list[Hashable] = [type(operation).__name__, operation.name, operation.shape, schedule.ofm_block]
    parts += [schedule.weight_order, schedule.decomposition, schedule.microblock, schedule.acc_format]
    if isinstance(operation, Windowed):
        parts += [operation.window, operation.accumulators.begin]
    if isinstance(operation, (Convolution, Depthwise)):
        weights = operation.weights
        parts += [weights.shape, weights.format, weights.traversal, tuple((r.region, r.length) for r in weights.streams)]
        parts += [(r.region, r.start % BURST_BYTES, r.length) for r in weights.scales]
    parts += [(one.role, one.shape, one.dtype, _aligned(one.where)) for one in operation.operands]
    if operation.output is not None:
        out = operation.output
        parts += [out.dtype, out.order, out.reverse, out.lookup is not None, _aligned(out.where)]
    return tuple(parts)


def _aligned(where: object) -> Hashable:
    """A place up to whole bursts."""
    if not isinstance(where, FeatureMap):
        return type(where).__name__
    return replace(where, bases=tuple(base % BURST_BYTES for base in where.bases))  # type: ignore[arg-type]
