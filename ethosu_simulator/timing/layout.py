"""How an operation's data lies, as far as its time follows from it: formats, widths, and how often a thing is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.memory import FeatureMap
from ethosu_simulator.operations import Computation, Convolution, Depthwise, Dma
from ethosu_simulator.timing.hardware import BRICK, Npu

if TYPE_CHECKING:
    from ethosu_simulator.timing.timeline import Step


@dataclass(frozen=True, kw_only=True)
class Side:
    """A feature map: whether it lies in NHCWB16 bricks (else NHWC), its depth, and the bytes of an element."""

    bricks: bool
    depth: int
    element_bytes: int

    @property
    def filled(self) -> float:
        """The part of its bricks that holds channels, 1 for NHWC."""
        return self.depth / (BRICK * -(-self.depth // BRICK)) if self.bricks else 1.0


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What lies where. `ifm_reads` and `weight_reads` are how often each byte is read, 0.0 where nothing is.

    `weight_bytes` are those of one reading, `weight_share` the part of weights in all that is read, `moved_bytes` a transfer's.
    """

    ifm: Side | None
    ofm: Side | None
    ifm_reads: float
    weight_reads: float
    weight_bytes: int
    weight_share: float
    moved_bytes: int


def layout_of(step: Step, npu: Npu) -> Layout:
    """The layout of a command."""
    operation, work = step.operation, step.work
    moved = operation.bytes_moved if isinstance(operation, Dma) else 0
    if not isinstance(operation, Computation) or work is None:
        return Layout(ifm=None, ofm=None, ifm_reads=0.0, weight_reads=0.0, weight_bytes=0, weight_share=0.0, moved_bytes=moved)
    operand = next((one for one in operation.operands if isinstance(one.where, FeatureMap)), None)
    ifm = _side(operand.where, operand.shape[2]) if operand else None
    output = operation.output.where if operation.output is not None else None
    once = 0.0
    if operand and ifm:
        once = float(np.prod(operand.shape)) * ifm.element_bytes / npu.bus_bytes
    weights = 0
    if isinstance(operation, (Convolution, Depthwise)):
        weights = sum(stream.length for stream in operation.weights.streams)
    fetched = float(work.weights.sum()) * work.weight_beats
    read = fetched + float(work.ifm[:, 0].sum() + work.ifm2[:, 0].sum() + work.scales[:, 0].sum())
    return Layout(
        ifm=ifm,
        ofm=_side(output, operation.shape[2]),
        ifm_reads=float(work.ifm[:, 0].sum()) / once if once else 0.0,
        weight_reads=float(work.weights.sum()) / weights if weights else 0.0,
        weight_bytes=weights,
        weight_share=fetched / read if read else 0.0,
        moved_bytes=0,
    )


def _side(where: object, depth: int) -> Side | None:
    if not isinstance(where, FeatureMap):
        return None
    return Side(bricks=where.bricks, depth=depth, element_bytes=np.dtype(where.dtype).itemsize)
