"""What a product's registers mean where products differ: one row of rules for U55 and U65, one for U85."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ethosu_simulator.decoder.register_file import RegisterFile
    from ethosu_simulator.lookup_tables import Lookup
    from ethosu_simulator.operands import Range, ScaleRecord
    from ethosu_simulator.scaling import GlobalScale, OperandScale
    from ethosu_simulator.weight_order import Traversal

Steps = tuple[int, int]


@dataclass(frozen=True)
class WeightForm:
    """How weights and scales were written, apart from their traversal: see operands.Weights."""

    streams: tuple[Range, ...]
    scales: tuple[Range, ...]
    format: str
    cores: int
    decoders: int
    record: ScaleRecord


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """A product family's rules; each is asked only for operations that need it."""

    rounding_register: str  # the register with the OFM's round_mode
    average_always_divides: bool
    scales_extremes: bool  # MAX and MIN apply OFM_SCALE
    offsets_words: bool  # OFM_ZERO_POINT is added to 32-bit outputs
    stride_mode_side: str  # the DMA register with the stride_mode: SRC or DST
    storage: Callable[[RegisterFile, str], str]  # TILE2X2, TILE3X1, CHAINED or NONE
    broadcast: Callable[[RegisterFile, str], tuple[int, int | None]]  # (mask of axes H, W, C; the scalar instead)
    accumulation: Callable[[RegisterFile], tuple[str, bool]]  # (begin, outputs)
    turned: Callable[[RegisterFile], tuple[int | None, tuple[int, int, int]]]  # (reversed axis, order of axes)
    clip: Callable[[RegisterFile], tuple[int, int]]
    lookup: Callable[[RegisterFile], Lookup | None]
    is_matmul: Callable[[int], bool]  # of OP_CONV's value
    swaps_operands: Callable[[RegisterFile], bool]
    operand_scales: Callable[[RegisterFile, str], tuple[OperandScale, OperandScale]]
    negative_scale: Callable[[RegisterFile, int], OperandScale]  # LRELU's, given the OFM's rounding
    elementwise_scale: Callable[[RegisterFile, str, int], GlobalScale]
    traversal: Callable[[RegisterFile, bool], Traversal]
    weight_form: Callable[[RegisterFile], WeightForm]
    dma_steps: Callable[[RegisterFile, str, int], tuple[Steps, Steps]]  # (row, group) steps of source and target
    indexed_sides: Callable[[RegisterFile], list[str]]
