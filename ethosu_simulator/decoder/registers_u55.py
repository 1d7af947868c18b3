"""The rules of U55 and U65 registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.decoder.dialects import Dialect, Steps, WeightForm
from ethosu_simulator.decoder.fields import bounds, dtype_of, operand_bits, weight_range
from ethosu_simulator.errors import NotModelled
from ethosu_simulator.fixed_point import DOUBLE, FIRST_SHIFT, NATURAL
from ethosu_simulator.lookup_tables import CURVES, DIRECT, INTERPOLATED, Lookup
from ethosu_simulator.operands import ScaleRecord
from ethosu_simulator.products import CONFIGURATIONS, TABLE_BYTES
from ethosu_simulator.scaling import PLAIN, UNIT, GlobalScale, OperandScale
from ethosu_simulator.weight_order import DEPTH_FIRST, DEPTHWISE, PART_KERNEL, RASTER, Traversal

if TYPE_CHECKING:
    from ethosu_simulator.decoder.register_file import RegisterFile

SCALED = ("ADD", "SUB", "MUL", "LRELU", "ABS")
RECORD = ScaleRecord(5, 4, 32, 9)
_CLIPS = {"FORCE_UINT8": (0, 255), "FORCE_INT8": (-128, 127), "FORCE_INT16": (-32768, 32767)}
_LEFT_SHIFTS = {8: 20, 16: 15}


def _broadcast(registers: RegisterFile, which: str) -> tuple[int, int | None]:
    if which == "IFM":
        return 0, None
    flags = registers.value("IFM2_BROADCAST")
    if not flags >> 7 & 1:
        return flags & 7, None
    unsigned = dtype_of(registers, "IFM2").startswith("u")
    return 0, registers.value("IFM2_SCALAR") if unsigned else registers.signed("IFM2_SCALAR")


def _clip(registers: RegisterFile) -> tuple[int, int]:
    clip = registers.choice("ACTIVATION", "activation_clip_range")
    info = np.iinfo(dtype_of(registers, "OFM"))
    if clip == "OFM_PRECISION" and info.bits > 16:
        return int(info.min), int(info.max)
    low, high = bounds(registers)
    least, most = _CLIPS.get(clip, (int(info.min), int(info.max)))
    return max(low, least), min(high, most)


def _lookup(registers: RegisterFile) -> Lookup | None:
    function = registers.choice("ACTIVATION", "activation_function")
    if function == "RELU":
        return None
    if function in CURVES:
        return Lookup(CURVES[function], "int32", 0, 0, built_in=True)
    start, dtype = int(function[6:]) * 256, dtype_of(registers, "OFM")
    if dtype in ("int8", "uint8"):
        return Lookup(kind=DIRECT, entry=dtype, start=start, count=256, offset=128 if dtype == "int8" else 0)
    if dtype == "int32" and registers.choice("ACTIVATION", "activation_clip_range") == "FORCE_INT8":
        return words(start)
    if dtype == "int16":
        return PAIRS
    raise NotModelled("NPU_SET_ACTIVATION", f"activation_function {function} into {dtype}")


PAIRS = Lookup(INTERPOLATED, "int32", 0, 512)  # the whole table memory: base in the low half of a word, slope in the high half


def words(start: int) -> Lookup:
    """The look-up of 8 bits in 256 words of 32."""
    if start + 1024 > TABLE_BYTES:
        raise NotModelled("NPU_SET_ACTIVATION", "a table of 32-bit words that wraps around the table memory")
    return Lookup(kind=DIRECT, entry="int32", start=start, count=256, offset=128)


def _swaps_operands(registers: RegisterFile) -> bool:
    return registers.choice("IFM2_BROADCAST", "operand_order") == "ORDER_A"


def _operand_scales(registers: RegisterFile, mode: str) -> tuple[OperandScale, OperandScale]:
    """Both by 16-bit scales, or one shifted left and the other by a 32-bit scale (see ops/elementwise.py)."""
    if mode not in ("ADD", "SUB"):
        return PLAIN, PLAIN
    how = registers.choice("IFM_PRECISION", "scale_mode")
    opa, shift = registers.number("OPA_SCALE", "scale"), registers.number("OPA_SCALE", "shift")
    if how == "OPA_OPB_16":
        opb = registers.number("OPB_SCALE")
        return OperandScale(opa, 0, FIRST_SHIFT, NATURAL), OperandScale(opb, 0, FIRST_SHIFT, NATURAL)
    bits = operand_bits(registers)
    if bits not in _LEFT_SHIFTS:
        raise NotModelled("NPU_OP_ELEMENTWISE", f"scale_mode {how} of {bits}-bit operands")
    left = _LEFT_SHIFTS[bits]
    rounding = registers.choice("IFM_PRECISION", "round_mode")
    if rounding == "TRUNCATE":
        raise NotModelled("NPU_SET_IFM_PRECISION", "round_mode TRUNCATE of an operand")
    small = OperandScale(opa, shift, FIRST_SHIFT - left, DOUBLE if rounding == "DBL" else NATURAL)
    large = OperandScale(1 << (left - 1), 0, FIRST_SHIFT, NATURAL)
    return (small, large) if how == "OPA_32" else (large, small)


def _negative_scale(registers: RegisterFile, rounding: int) -> OperandScale:
    return OperandScale(registers.number("OFM_SCALE", "scale"), registers.number("OFM_SCALE", "shift"), FIRST_SHIFT, rounding)


def _elementwise_scale(registers: RegisterFile, mode: str, bits: int) -> GlobalScale:
    """OFM_SCALE where the operation has one: for 32-bit MUL only its shift counts (the product has 64 bits)."""
    if mode not in SCALED or mode == "LRELU" or registers.choice("OFM_PRECISION", "scale_mode") != "GLOBAL":
        return UNIT
    scale = 1 if mode == "MUL" and bits == 32 else registers.number("OFM_SCALE", "scale")
    return GlobalScale(scale, registers.number("OFM_SCALE", "shift"))


def _traversal(registers: RegisterFile, depthwise: bool) -> Traversal:
    part = registers.choice("KERNEL_STRIDE", "weight_order") == "PART_KERNEL_FIRST"
    wide = registers.choice("IFM_PRECISION", "activation_precision") == "B16"
    kind = DEPTHWISE if depthwise else PART_KERNEL if part else DEPTH_FIRST
    return Traversal(
        walk=RASTER,
        kind=kind,
        ofm_block_depth=registers.number("OFM_BLK_DEPTH_M1") + 1,
        ifm_block_depth=16 if part or wide else 32,
        ofm_ublock_depth=CONFIGURATIONS[registers.config.product, registers.config.macs].ofm_ublock_depth,
        ifm_ublock_depth=8,
        dilation_y=registers.number("KERNEL_STRIDE", "dilation_y") + 1,
        dilation_x=registers.number("KERNEL_STRIDE", "dilation_x") + 1,
        kernel_round={DEPTHWISE: 4, PART_KERNEL: 2 if wide else 4, DEPTH_FIRST: 1}[kind],
    )


def _weight_form(registers: RegisterFile) -> WeightForm:
    dual = registers.has("PARALLEL_MODE") and registers.choice("PARALLEL_MODE", "parallel_mode") == "DUAL_CORE_DEPTH"
    cores = ("", "1") if dual else ("",)
    streams = tuple(weight_range(registers, "WEIGHT", core) for core in cores)
    scales = tuple(weight_range(registers, "SCALE", core) for core in cores)
    return WeightForm(streams=streams, scales=scales, format="SWD", cores=len(cores), decoders=1, record=RECORD)


def _dma_steps(registers: RegisterFile, mode: str, length: int) -> tuple[Steps, Steps]:
    """Rows follow each other at the source and leave gaps at the target (U65)."""
    if not registers.knows("DMA0_SKIP0"):
        raise NotModelled("NPU_OP_DMA_START", f"stride_mode {mode}, which U55 has no registers for")
    size0 = registers.number("DMA0_SIZE0")
    skip1 = registers.number("DMA0_SKIP1") if mode == "D3" else 0
    return (length, length * size0), (length + registers.number("DMA0_SKIP0"), length * size0 + skip1)


U55_U65 = Dialect(
    rounding_register="OFM_PRECISION",
    average_always_divides=False,
    scales_extremes=False,
    offsets_words=False,
    stride_mode_side="DST",
    storage=lambda _registers, _which: "TILE2X2",
    broadcast=_broadcast,
    accumulation=lambda _registers: ("RESET", True),
    turned=lambda _registers: (None, (0, 1, 2)),
    clip=_clip,
    lookup=_lookup,
    is_matmul=lambda _value: False,
    swaps_operands=_swaps_operands,
    operand_scales=_operand_scales,
    negative_scale=_negative_scale,
    elementwise_scale=_elementwise_scale,
    traversal=_traversal,
    weight_form=_weight_form,
    dma_steps=_dma_steps,
    indexed_sides=lambda _registers: [],
)
