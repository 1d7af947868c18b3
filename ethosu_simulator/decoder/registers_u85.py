"""The rules of U85 registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.decoder.dialects import Dialect, Steps, WeightForm
from ethosu_simulator.decoder.fields import bounds, dtype_of, weight_range
from ethosu_simulator.decoder.registers_u55 import PAIRS, SCALED, words
from ethosu_simulator.errors import NotModelled
from ethosu_simulator.fixed_point import DOUBLE, FIRST_SHIFT, NATURAL
from ethosu_simulator.lookup_tables import CURVES, DIRECT, Lookup
from ethosu_simulator.operands import ScaleRecord
from ethosu_simulator.products import CONFIGURATIONS
from ethosu_simulator.scaling import PLAIN, UNIT, GlobalScale, OperandScale
from ethosu_simulator.weight_order import DEPTH_FIRST, DEPTHWISE, PART_KERNEL, SNAKE, Traversal

if TYPE_CHECKING:
    from ethosu_simulator.decoder.register_file import RegisterFile

AXES = {"H": 0, "W": 1, "C": 2}
RECORDS = {"I32": ScaleRecord(4, 4, 31, 8), "I48": ScaleRecord(6, 2, 15, 8)}
COMPARISONS = ("CMP_EQ", "CMP_NE", "CMP_GE", "CMP_GT")
_BITWISE = ("AND", "OR", "XOR", "NOT", "AND_NOT")
_MICROBLOCKS = {"U1X1": 1, "U1X2": 2, "U1X4": 4, "U2X2": 4, "U2X4": 8, "U4X4": 16}
_BYTE_TABLES = {
    "LUT_S8_S8": ("int8", 256, 128),
    "LUT_U8_U8": ("uint8", 256, 0),
    "LUT_S8_S16": ("int16", 512, 128),
}  # entry, bytes of a table, offset


def _storage(registers: RegisterFile, which: str) -> str:
    return registers.choice(f"{which}_PRECISION", "activation_storage")


def _broadcast(registers: RegisterFile, which: str) -> tuple[int, int | None]:
    if _storage(registers, which) != "NONE":
        return registers.value(f"{which}_BROADCAST") & 7, None
    value = registers.value("OP_SCALAR")
    return 0, value - (value >> 31 << 32)


def _accumulation(registers: RegisterFile) -> tuple[str, bool]:
    outputs = registers.choice("ACC_FORMAT", "acc_output") == "ENABLE"
    return registers.choice("ACC_FORMAT", "acc_input"), outputs


def _turned(registers: RegisterFile) -> tuple[int | None, tuple[int, int, int]]:
    order = registers.choice("OFM_PRECISION", "activation_transpose")
    reverse = AXES.get(registers.choice("OFM_PRECISION", "activation_reverse"))
    return reverse, (AXES[order[0]], AXES[order[1]], AXES[order[2]])


def _clip(registers: RegisterFile) -> tuple[int, int]:
    function = registers.choice("ACTIVATION", "activation_function")
    dtype = dtype_of(registers, "OFM")
    if function != "LUT_NONE":  # the table's input, not the output, bounds the index
        dtype = {"U8": "uint8", "S8": "int8"}.get(function.split("_")[1], "int16")
    info = np.iinfo(dtype)
    if registers.choice("ACTIVATION", "activation_clip_range") == "NONE":
        return int(info.min), int(info.max)
    low, high = bounds(registers)
    return max(low, int(info.min)), min(high, int(info.max))


def _lookup(registers: RegisterFile) -> Lookup | None:
    function, index = registers.choice("ACTIVATION", "activation_function"), registers.number("ACTIVATION", "table")
    if function == "LUT_NONE":
        return None
    if function in _BYTE_TABLES:
        entry, size, offset = _BYTE_TABLES[function]
        return Lookup(kind=DIRECT, entry=entry, start=index * size, count=256, offset=offset)
    if function == "LUT_S8_S32":
        return words(index * 1024)
    if function == "LUT_S16_S16":
        return PAIRS
    if function in ("LUT_SIGMOID", "LUT_TANH"):
        return Lookup(CURVES[function[4:]], PAIRS.entry, PAIRS.start, PAIRS.count)
    raise NotModelled("NPU_SET_ACTIVATION", f"activation_function {function}")


def _operand_scale(registers: RegisterFile, name: str) -> OperandScale:
    rounding = DOUBLE if registers.choice(name, "round_mode") == "DOUBLE_SYMMETRIC" else NATURAL
    first = FIRST_SHIFT - registers.number(name, "dbl_rnd")
    return OperandScale(registers.number(name, "scale"), registers.number(name, "shift"), first, rounding)


def _operand_scales(registers: RegisterFile, mode: str) -> tuple[OperandScale, OperandScale]:
    if mode not in ("ADD", "SUB", "LRELU", "MIN", "MAX", *COMPARISONS):
        return PLAIN, PLAIN
    return _operand_scale(registers, "IFM_SCALE"), PLAIN if mode == "LRELU" else _operand_scale(registers, "IFM2_SCALE")


def _negative_scale(registers: RegisterFile, _rounding: int) -> OperandScale:
    return _operand_scale(registers, "IFM2_SCALE")


def _elementwise_scale(registers: RegisterFile, mode: str, bits: int) -> GlobalScale:
    """OFM_SCALE where the operation has one: for 32-bit MUL only its shift counts (the product has 64 bits)."""
    if mode == "LRELU" or mode not in (*SCALED, "MIN", "MAX", *_BITWISE, *COMPARISONS):
        return UNIT
    scale = 1 if mode == "MUL" and bits == 32 else registers.number("OFM_SCALE", "scale")
    return GlobalScale(scale, registers.number("OFM_SCALE", "shift"))


def _traversal(registers: RegisterFile, depthwise: bool) -> Traversal:
    part = registers.choice("KERNEL_STRIDE", "weight_order") == "PART_KERNEL_FIRST"
    wide = registers.choice("IFM_PRECISION", "activation_precision") == "B16"
    sparse = registers.choice("WEIGHT_FORMAT", "weight_sparsity") == "SPARSE_2_4"
    macs = registers.config.macs
    ublock = macs // 8 // _MICROBLOCKS[registers.choice("ACC_FORMAT", "microblock")]
    block = _ifm_block_depth(part, wide, sparse, macs <= 256 and ublock == 16)
    kind = DEPTHWISE if depthwise else PART_KERNEL if part else DEPTH_FIRST
    strides = (1, 1) if kind == DEPTH_FIRST else registers.strides()
    return Traversal(
        walk=SNAKE,
        kind=kind,
        ofm_block_depth=registers.number("OFM_BLK_DEPTH_M1") + 1,
        ifm_block_depth=block,
        ofm_ublock_depth=ublock,
        ifm_ublock_depth=1 if depthwise else 8 if part and wide and not sparse else block,
        dilation_y=registers.number("KERNEL_STRIDE", "dilation_y") + 1,
        dilation_x=registers.number("KERNEL_STRIDE", "dilation_x") + 1,
        kernel_round={DEPTHWISE: 10, PART_KERNEL: 10 if wide or sparse else 5, DEPTH_FIRST: 1}[kind],
        stride_y=strides[0],
        stride_x=strides[1],
        padding_count=0 if not wide and macs <= 256 else 2 if macs <= 512 else 6,
        sparse=sparse,
    )


def _ifm_block_depth(part: bool, wide: bool, sparse: bool, narrow: bool) -> int:
    if part:
        return 16
    if narrow and not sparse:
        return 32
    return 128 if sparse and not wide else 64


def _weight_form(registers: RegisterFile) -> WeightForm:
    form = registers.choice("WEIGHT_FORMAT", "weight_format")
    decoders = CONFIGURATIONS[registers.config.product, registers.config.macs].weight_decoders
    streams = tuple(weight_range(registers, "WEIGHT", core) for core in ("", "1", "2", "3")[: 1 if form == "FWD" else decoders])
    record = RECORDS[registers.choice("ACC_FORMAT", "acc_format")]
    return WeightForm(
        streams=streams, scales=(weight_range(registers, "SCALE", ""),), format=form, cores=1, decoders=decoders, record=record
    )


def _dma_steps(registers: RegisterFile, mode: str, _length: int) -> tuple[Steps, Steps]:
    source, target = (
        (registers.number(f"DMA0_{side}_STRIDE0"), registers.number(f"DMA0_{side}_STRIDE1") if mode == "D3" else 0)
        for side in ("SRC", "DST")
    )
    return source, target


def _indexed_sides(registers: RegisterFile) -> list[str]:
    """The sides, `SRC` (gather) or `DST` (scatter), whose rows are chosen by an index."""
    return [side for side in ("SRC", "DST") if registers.choice(f"DMA0_{side}_REGION", "idx_mode") == "ENABLED"]


U85 = Dialect(
    rounding_register="OFM_SCALE",
    average_always_divides=True,
    scales_extremes=True,
    offsets_words=True,
    stride_mode_side="SRC",
    storage=_storage,
    broadcast=_broadcast,
    accumulation=_accumulation,
    turned=_turned,
    clip=_clip,
    lookup=_lookup,
    is_matmul=bool,
    swaps_operands=lambda _registers: False,
    operand_scales=_operand_scales,
    negative_scale=_negative_scale,
    elementwise_scale=_elementwise_scale,
    traversal=_traversal,
    weight_form=_weight_form,
    dma_steps=_dma_steps,
    indexed_sides=_indexed_sides,
)
