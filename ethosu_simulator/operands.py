"""The parts of typed operations: feature maps, windows, weights, accumulators, ends of a transfer (see operations.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ethosu_simulator.lookup_tables import Lookup
    from ethosu_simulator.memory import FeatureMap
    from ethosu_simulator.scaling import OutputStage
    from ethosu_simulator.weight_order import Traversal

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Chain:
    """A feature map that is in no memory, but in a chaining buffer between two operations (U85)."""

    buffer: int


@dataclass(frozen=True)
class Scalar:
    """One constant in the place of a feature map; `value` has its zero point not yet taken off."""

    value: int


@dataclass(frozen=True, kw_only=True)
class Operand:
    """An input: `shape` is what is read of it (before upscaling and padding; 1 along broadcast axes, all 1 for a scalar)."""

    role: str  # IFM or IFM2
    shape: Shape
    dtype: str
    zero_point: int
    where: FeatureMap | Chain | Scalar

    @property
    def bits(self) -> int:
        """The bits of an element."""
        return int(self.dtype.removeprefix("u").removeprefix("int"))


@dataclass(frozen=True, kw_only=True)
class Output:
    """The OFM: its stage, its table, its place, and how it is turned on the way there (first reversed, then transposed)."""

    dtype: str
    where: FeatureMap | Chain
    stage: OutputStage
    lookup: Lookup | None
    reverse: int | None = None  # the axis that is stored backwards
    order: tuple[int, int, int] = (0, 1, 2)  # the axes in the order they are stored
    per_channel: bool = False  # scale_mode PER_CHANNEL: bias and scale come with the weights

    @property
    def is_straight(self) -> bool:
        """True when elements are stored in the order they are computed."""
        return self.reverse is None and self.order == (0, 1, 2)

    def stored(self, shape: Shape) -> Shape:
        """The shape in memory of an output that is computed as `shape`."""
        return shape[self.order[0]], shape[self.order[1]], shape[self.order[2]]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Kernel size without dilation, strides, dilations, padding, upscaling, and the sizes that follow from them."""

    kernel_y: int
    kernel_x: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    top: int
    left: int
    bottom: int
    right: int
    upscale: str
    ofm: Shape
    padded_height: int
    padded_width: int
    inside_height: int  # of the input after upscaling, without padding
    inside_width: int
    ifm_height: int  # before upscaling
    ifm_width: int

    @property
    def has_padding(self) -> bool:
        """Whether the stream pads any side."""
        return any((self.top, self.left, self.bottom, self.right))

    @property
    def is_pixel(self) -> bool:
        """Whether each output pixel sees just the input pixel at its own place."""
        steps = self.kernel_y, self.kernel_x, self.stride_y, self.stride_x
        return steps == (1, 1, 1, 1) and (self.ifm_height, self.ifm_width) == self.ofm[:2]


@dataclass(frozen=True)
class Range:
    """Bytes of a region."""

    region: int
    start: int
    length: int


@dataclass(frozen=True)
class ScaleRecord:
    """The bytes of bias and scale in a 10-byte scale record, and the bits of the scale that count; the shift ends it."""

    bias_bytes: int
    scale_bytes: int
    scale_bits: int
    shift_at: int


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The compressed kernel: where its streams and scale records lie, and how they were written.

    `streams` has one range per core (U65 in DUAL_CORE_DEPTH: core c has channels c, c + 2, ..., and scale records of its own)
    or per weight decoder (U85; the fast format has one stream, dealt to `decoders`).
    """

    shape: tuple[int, int, int, int]  # [output channel, kernel row, kernel column, input channel]; 1 input when depthwise
    streams: tuple[Range, ...]
    scales: tuple[Range, ...]
    traversal: Traversal
    format: str  # SWD or FWD
    cores: int
    decoders: int
    record: ScaleRecord

    @property
    def is_sparse(self) -> bool:
        """True for 2:4 sparsity (U85)."""
        return self.traversal.sparse


@dataclass(frozen=True, kw_only=True)
class Accumulators:
    """Where accumulators begin (RESET at zero, KEEP as the operation before left them, IFM2) and whether they are output."""

    begin: str = "RESET"
    outputs: bool = True
    ifm2: Operand | None = None  # what they begin with

    @property
    def are_fresh(self) -> bool:
        """True when they begin at zero and are output: all of U55 and U65, most of U85."""
        return self.begin == "RESET" and self.outputs


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the hardware cuts the work and keeps it: no value depends on it. None: the stream never set it, or no such thing."""

    ofm_block: Shape | None
    blockdep: int | None
    acc_format: str | None  # I32, I40, F16; U85 I32, I48
    weight_order: str | None  # DEPTH_FIRST or PART_KERNEL_FIRST
    decomposition: str | None  # of large kernels: D8X8 or D4X4
    parallel: str | None  # U65: SINGLE_CORE or DUAL_CORE_DEPTH
    microblock: str | None  # U85
    ifm_ib_end: int | None  # U55 and U65: the shared buffer's division
    ifm2_ib_start: int | None
    ab_start: int | None


@dataclass(frozen=True)
class Positions:
    """Output coordinate o lies at (o * step + offset) / n of the input; `block_step` only matters to time."""

    n: int
    step: int
    offset: int
    block_step: int


@dataclass(frozen=True)
class DmaEnd:
    """One end of a transfer: `region` is None inside the NPU; bytes between rows, and between groups of rows."""

    region: int | None
    address: int
    row_step: int
    group_step: int


@dataclass(frozen=True, kw_only=True)
class DmaIndex:
    """Row numbers that choose rows: int32, `skip` bytes after each group; `side` is SRC (gather) or DST (scatter)."""

    side: str
    region: int
    start: int
    skip: int
    most: int
