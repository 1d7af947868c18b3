"""The typed operations of a command stream: everything that is static about each, decoded once (ethosu_simulator.decoder).

    operations = decode_operations(commands, config)     # decoder/__init__.py; `NpuOperator.operations` keeps them

A stream is a tuple of these, in order, one for every NPU_OP_* command (up to and with Stop; what follows it is never run):

| class | command |
|---|---|
| Convolution, Depthwise | OP_CONV, OP_DEPTHWISE: `window`, `ifm`, `weights`, `accumulators`, `output` |
| Matmul | OP_CONV whose weights are IFM2 (U85): `window`, `ifm`, `ifm2`, `scale`, `accumulators`, `output` |
| Pool | OP_POOL: `mode`, `divides`, `window`, `ifm`, `scale`, `accumulators`, `output` |
| Elementwise | OP_ELEMENTWISE: `mode`, operands `a` and `b` (None when unary) with their scales, `scale`, `output` |
| Resize | OP_RESIZE (U85): `mode`, `ifm`, positions `y` and `x`, `scale`, `output` |
| Dma | OP_DMA_START: `source`, `target`, `length` of a row, `counts`, `index` |
| Wait | OP_DMA_WAIT, OP_KERNEL_WAIT: `what` is `DMA` or `KERNEL`, `outstanding` may go on |
| Interrupt, PerformanceMask, Stop | OP_IRQ, OP_PMU_MASK, OP_STOP |
| Refused | a command that is not modelled, or whose registers no NPU would accept: `error` is raised when its turn comes |

All computing ones have `shape` (the OFM's height, width, depth before transposition) and `schedule` (what says nothing about
values and everything about time: OFM block, BLOCKDEP, accumulator format, shared buffers, cores). Names of modes and formats
are the register table's enumerators. A product's peculiarities are resolved by the decoder, never asked for behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ethosu_simulator.errors import SimulatorError
    from ethosu_simulator.operands import (
        Accumulators,
        DmaEnd,
        DmaIndex,
        Operand,
        Output,
        Positions,
        Schedule,
        Shape,
        Weights,
        Window,
    )
    from ethosu_simulator.scaling import GlobalScale, OperandScale


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A command that acts: its byte offset as Vela prints it, and its name, such as `NPU_OP_POOL POOLING_MODE_MAX`."""

    address: int
    name: str

    @property
    def opcode(self) -> str:
        """The name without its mode."""
        return self.name.split()[0]


@dataclass(frozen=True, kw_only=True)
class Computation(Operation):
    """An operation that computes an OFM of `shape` (height, width, depth before transposition)."""

    shape: Shape
    schedule: Schedule
    output: Output | None

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What it reads: IFM, IFM2, and what its accumulators begin with."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Windowed(Computation):
    """A computation under a sliding window; `output` is None when its accumulators stay inside."""

    window: Window
    ifm: Operand
    accumulators: Accumulators

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What it reads."""
        return (self.ifm,) if self.accumulators.ifm2 is None else (self.ifm, self.accumulators.ifm2)


@dataclass(frozen=True, kw_only=True)
class Convolution(Windowed):
    """NPU_OP_CONV with weights from memory."""

    weights: Weights


@dataclass(frozen=True, kw_only=True)
class Depthwise(Windowed):
    """NPU_OP_DEPTHWISE."""

    weights: Weights


@dataclass(frozen=True, kw_only=True)
class Matmul(Windowed):
    """NPU_OP_CONV with its weights in IFM2, [1, output channel, input channel]."""

    ifm2: Operand
    scale: GlobalScale

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What it reads."""
        return (*super().operands, self.ifm2)


@dataclass(frozen=True, kw_only=True)
class Pool(Windowed):
    """NPU_OP_POOL; with `divides` an AVERAGE is over the pixels that are not padding. Mode NONE reads no IFM."""

    mode: str
    divides: bool
    scale: GlobalScale

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What it reads."""
        return super().operands[1:] if self.mode == "NONE" else super().operands


@dataclass(frozen=True, kw_only=True)
class Elementwise(Computation):
    """NPU_OP_ELEMENTWISE: `a` and `b` in the order that they are computed in; LRELU scales negative elements by `negative`."""

    mode: str
    a: Operand
    b: Operand | None
    scale_a: OperandScale
    scale_b: OperandScale
    negative: OperandScale
    scale: GlobalScale
    output: Output

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The one or two operands, in the order that they are computed in."""
        return (self.a,) if self.b is None else (self.a, self.b)


@dataclass(frozen=True, kw_only=True)
class Resize(Computation):
    """NPU_OP_RESIZE; `scale` has the 16 bits of fraction already taken off its shift."""

    mode: str
    ifm: Operand
    y: Positions
    x: Positions
    scale: GlobalScale
    output: Output

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What it reads."""
        return (self.ifm,)


@dataclass(frozen=True, kw_only=True)
class Dma(Operation):
    """NPU_OP_DMA_START: `counts[1]` groups of `counts[0]` rows of `length` bytes."""

    source: DmaEnd
    target: DmaEnd
    length: int
    counts: tuple[int, int]
    index: DmaIndex | None
    stride_mode: str  # D1, D2 or D3

    @property
    def bytes_moved(self) -> int:
        """The bytes of all rows."""
        return self.length * self.counts[0] * self.counts[1]


@dataclass(frozen=True, kw_only=True)
class Wait(Operation):
    """Nothing goes on before at most `outstanding` transfers (`DMA`) or computations (`KERNEL`) are unfinished."""

    what: str
    outstanding: int


@dataclass(frozen=True, kw_only=True)
class Interrupt(Operation):
    """NPU_OP_IRQ."""

    mask: int


@dataclass(frozen=True, kw_only=True)
class PerformanceMask(Operation):
    """NPU_OP_PMU_MASK: whether counters stand still."""

    enable: bool


@dataclass(frozen=True, kw_only=True)
class Stop(Operation):
    """NPU_OP_STOP: the end of the stream."""

    mask: int


@dataclass(frozen=True, kw_only=True)
class Refused(Operation):
    """A command that cannot be done; everything before it can."""

    error: SimulatorError
