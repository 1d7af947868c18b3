"""The register table of Ethos-U55, U65 and U85: data only, read by decoder, disassembler, register file, trace and tests.

Sources: Arm's `ethos_u65_interface.hpp` (U55 and U65) and `ethos_u85_interface.hpp` (U85), as shipped in ethos-u-vela 5.2.0
(`ethosu/regor/architecture/ethosu65/`, `ethosu85/`, Apache-2.0). Restated here as names, codes and bit ranges.

A field is written `name:low+width[:meaning]`. Bits count from 0 in the 16-bit parameter of a cmd0 command; in a cmd1 command
bits 0..31 are the payload word and bits 32..47 the parameter. A meaning is `hex` (printed so), `signed` (two's complement),
`scalar` (a 32-bit constant operand) or the name of an enumeration; `@85` marks an enumeration whose values differ on U85.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

U55_U65 = ("u55", "u65")
U65 = ("u65",)
U85 = ("u85",)
ALL = ("u55", "u65", "u85")


@dataclass(frozen=True)
class Field:
    """One bit range of a command and what its value means."""

    name: str
    low: int
    width: int
    meaning: str

    def of(self, value: int) -> int:
        """The field's number, taken out of a command's value."""
        bits = (value >> self.low) & ((1 << self.width) - 1)
        if self.meaning == "signed" and bits >> (self.width - 1):
            return bits - (1 << self.width)
        return bits


@dataclass(frozen=True)
class Register:
    """One row: a command of the stream, its place, its fields, and the products that have it."""

    name: str
    kind: int
    code: int
    products: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def is_operation(self) -> bool:
        """True for a command that acts (NPU_OP_*), false for one that sets a register."""
        return self.name.startswith("OP_")

    @property
    def bits(self) -> int:
        """The bits of the value that any field uses; all others are reserved."""
        return sum(((1 << field.width) - 1) << field.low for field in self.fields)


def _field(text: str) -> Field:
    name, place, *meaning = text.split(":")
    low, width = place.split("+")
    return Field(name, int(low), int(width), meaning[0] if meaning else "")


def _row(name: str, kind: int, code: int, products: tuple[str, ...], fields: str) -> Register:
    return Register(name=name, kind=kind, code=code, products=products, fields=tuple(_field(text) for text in fields.split()))


def _enum(text: str) -> Mapping[int, str]:
    pairs = (item.split("=") for item in text.split())
    return MappingProxyType({int(value): name for name, value in pairs})


ENUMS: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "acc_format": _enum("I32=0 I40=1 F16=2"),
        "acc_format@85": _enum("I32=0 I48=1"),
        "acc_input": _enum("RESET=0 KEEP=1 IFM2=2"),
        "acc_output": _enum("ENABLE=0 DISABLE=1"),
        "activation_clip_range": _enum("OFM_PRECISION=0 FORCE_UINT8=2 FORCE_INT8=3 FORCE_INT16=5"),
        "activation_clip_range@85": _enum("B16=0 NONE=1"),
        "activation_format": _enum("NHWC=0 NHCWB16=1"),
        "activation_function": _enum(
            "RELU=0 TANH=3 SIGMOID=4 TABLE_0=16 TABLE_1=17 TABLE_2=18 TABLE_3=19 TABLE_4=20 TABLE_5=21 TABLE_6=22 TABLE_7=23"
        ),
        "activation_function@85": _enum(
            "LUT_NONE=0 LUT_U8_U8=1 LUT_S8_S8=4 LUT_S8_S16=5 LUT_S8_S32=7 LUT_S16_S16=8 LUT_S16_S32=9 LUT_TANH=10 "
            "LUT_SIGMOID=11"
        ),
        "activation_precision": _enum("B8=0 B16=1 B32=2 B64=3"),
        "activation_reverse": _enum("NONE=0 H=1 W=2 C=3"),
        "activation_storage": _enum("TILE2X2=0 TILE3X1=1 CHAINED=2 NONE=3"),
        "activation_transpose": _enum("HWC=0 WHC=1 HCW=2 WCH=3 CHW=6 CWH=7"),
        "activation_type": _enum("UNSIGNED=0 SIGNED=1"),
        "branch_cond": _enum("ALWAYS=0 RF_TRUE=1"),
        "broadcast_mode": _enum("DISABLE=0 ENABLE=1"),
        "broadcast_mode@85": _enum("NONE=0 H=1 W=2 HW=3 C=4 CH=5 CW=6 CWH=7 SCALAR=8"),
        "dma_idx_mode": _enum("DISABLED=0 ENABLED=1"),
        "dma_region_mode": _enum("EXTERNAL=0 INTERNAL=1"),
        "dma_stride_mode": _enum("D1=0 D2=1 D3=2"),
        "elementwise_mode": _enum("MUL=0 ADD=1 SUB=2 MIN=3 MAX=4 LRELU=5 ABS=6 CLZ=7 SHR=8 SHL=9"),
        "elementwise_mode@85": _enum(
            "MUL=0 ADD=1 SUB=2 MIN=3 MAX=4 LRELU=5 ABS=6 CLZ=7 SHR=8 SHL=9 LSR=10 DIV=11 CMP_EQ=16 CMP_NE=17 "
            "CMP_GE=18 CMP_GT=19 AND=33 OR=34 XOR=35 NOT=36 AND_NOT=42"
        ),
        "ifm2_operand_order": _enum("ORDER_B=0 ORDER_A=1"),
        "ifm_scale_mode": _enum("OPA_OPB_16=0 OPA_32=1 OPB_32=2"),
        "ifm_upscale_mode": _enum("NONE=0 NEAREST=1 ZEROS=2"),
        "kernel_decomposition": _enum("D8X8=0 D4X4=1"),
        "kernel_dilation": _enum("NONE=0 X2=1"),
        "microblock": _enum("U1X1=0 U1X2=1 U1X4=2 U2X2=3 U2X4=4 U4X4=5"),
        "ofm_scale_mode": _enum("PER_CHANNEL=0 GLOBAL=1"),
        "parallel_mode": _enum("SINGLE_CORE=0 DUAL_CORE_DEPTH=1"),
        "pooling_mode": _enum("MAX=0 AVERAGE=1 REDUCE_SUM=2"),
        "pooling_mode@85": _enum("MAX=0 AVERAGE=1 REDUCE_SUM=2 SUM=3 NONE=4 MIN=5 ARGMAX_X=6 ARGMAX_Y=7"),
        "resize_mode": _enum("BILINEAR=0 REPLICATE=1 NEAREST=2"),
        "round_mode": _enum("DBL=0 TRUNCATE=1 NATURAL=2"),
        "round_mode_ifm": _enum("DOUBLE_SYMMETRIC=0 NATURAL=1"),
        "round_mode_ofm": _enum(
            "DOUBLE_SYMMETRIC=0 NATURAL=1 DOUBLE_ASYMMETRIC=2 SYMMETRIC=3 TRUNCATE_TO_ZERO=4 TRUNCATE_TO_LOWER=5"
        ),
        "weight_format": _enum("SWD=0 FWD=1"),
        "weight_order": _enum("DEPTH_FIRST=0 PART_KERNEL_FIRST=1"),
        "weight_sparsity": _enum("NONE=0 SPARSE_2_4=1"),
    }
)

# fmt: off
REGISTERS: tuple[Register, ...] = (
    _row("OP_STOP", 0, 0x000, ALL, "mask:0+16"),
    _row("OP_IRQ", 0, 0x001, ALL, "mask:0+16"),
    _row("OP_CONV", 0, 0x002, U55_U65, ""),
    _row("OP_CONV", 0, 0x002, U85, "weights_ifm2:0+1"),
    _row("OP_DEPTHWISE", 0, 0x003, ALL, ""),
    _row("OP_POOL", 0, 0x005, U55_U65, "pooling_mode:0+3:pooling_mode"),
    _row("OP_POOL", 0, 0x005, U85, "pooling_mode:0+3:pooling_mode@85"),
    _row("OP_ELEMENTWISE", 0, 0x006, U55_U65, "elementwise_mode:0+6:elementwise_mode"),
    _row("OP_ELEMENTWISE", 0, 0x006, U85, "elementwise_mode:0+6:elementwise_mode@85"),
    _row("OP_RESIZE", 0, 0x007, U85, "resize_mode:0+2:resize_mode"),
    _row("OP_DMA_START", 0, 0x010, ALL, ""),
    _row("OP_DMA_WAIT", 0, 0x011, U55_U65, "k:0+1"),
    _row("OP_DMA_WAIT", 0, 0x011, U85, "k:0+2"),
    _row("OP_KERNEL_WAIT", 0, 0x012, U55_U65, "n:0+2"),
    _row("OP_KERNEL_WAIT", 0, 0x012, U85, "n:0+1"),
    _row("OP_PMU_MASK", 0, 0x013, ALL, "enable:0+1"),
    _row("SET_IFM_PAD_TOP", 0, 0x100, ALL, "pad:0+7"),
    _row("SET_IFM_PAD_LEFT", 0, 0x101, ALL, "pad:0+7"),
    _row("SET_IFM_PAD_RIGHT", 0, 0x102, ALL, "pad:0+8"),
    _row("SET_IFM_PAD_BOTTOM", 0, 0x103, ALL, "pad:0+8"),
    _row("SET_IFM_DEPTH_M1", 0, 0x104, ALL, "depth_m1:0+16"),
    _row(
        "SET_IFM_PRECISION", 0, 0x105, U55_U65,
        "activation_type:0+1:activation_type activation_precision:2+2:activation_precision "
        "activation_format:6+2:activation_format scale_mode:8+2:ifm_scale_mode round_mode:14+2:round_mode",
    ),
    _row(
        "SET_IFM_PRECISION", 0, 0x105, U85,
        "activation_type:0+1:activation_type activation_precision:2+2:activation_precision "
        "activation_format:6+2:activation_format activation_storage:14+2:activation_storage",
    ),
    _row("SET_IFM_UPSCALE", 0, 0x107, ALL, "mode:0+2:ifm_upscale_mode"),
    _row("SET_IFM_BROADCAST", 0, 0x108, U85, "broadcast_mode:0+4:broadcast_mode@85"),
    _row("SET_IFM_ZERO_POINT", 0, 0x109, ALL, "zero_point:0+16"),
    _row("SET_IFM_WIDTH0_M1", 0, 0x10A, ALL, "width_m1:0+16"),
    _row("SET_IFM_HEIGHT0_M1", 0, 0x10B, ALL, "height_m1:0+16"),
    _row("SET_IFM_HEIGHT1_M1", 0, 0x10C, ALL, "height_m1:0+16"),
    _row("SET_IFM_IB_END", 0, 0x10D, U55_U65, "ib_end:0+6"),
    _row("SET_IFM_REGION", 0, 0x10F, ALL, "region:0+3"),
    _row("SET_OFM_WIDTH_M1", 0, 0x111, ALL, "width_m1:0+16"),
    _row("SET_OFM_HEIGHT_M1", 0, 0x112, ALL, "height_m1:0+16"),
    _row("SET_OFM_DEPTH_M1", 0, 0x113, ALL, "depth_m1:0+16"),
    _row(
        "SET_OFM_PRECISION", 0, 0x114, U55_U65,
        "activation_type:0+1:activation_type activation_precision:1+2:activation_precision "
        "activation_format:6+2:activation_format scale_mode:8+1:ofm_scale_mode round_mode:14+2:round_mode",
    ),
    _row(
        "SET_OFM_PRECISION", 0, 0x114, U85,
        "activation_type:0+1:activation_type activation_precision:1+2:activation_precision "
        "activation_format:6+2:activation_format scale_mode:8+1:ofm_scale_mode "
        "activation_reverse:9+2:activation_reverse activation_transpose:11+3:activation_transpose "
        "activation_storage:14+2:activation_storage",
    ),
    _row("SET_OFM_BLK_WIDTH_M1", 0, 0x115, U55_U65, "width_m1:0+6"),
    _row("SET_OFM_BLK_WIDTH_M1", 0, 0x115, U85, "width_m1:0+7"),
    _row("SET_OFM_BLK_HEIGHT_M1", 0, 0x116, U55_U65, "height_m1:0+5"),
    _row("SET_OFM_BLK_HEIGHT_M1", 0, 0x116, U85, "height_m1:0+7"),
    _row("SET_OFM_BLK_DEPTH_M1", 0, 0x117, U55_U65, "depth_m1:0+7"),
    _row("SET_OFM_BLK_DEPTH_M1", 0, 0x117, U85, "depth_m1:0+10"),
    _row("SET_OFM_ZERO_POINT", 0, 0x118, ALL, "zero_point:0+16"),
    _row("SET_OFM_WIDTH0_M1", 0, 0x11A, ALL, "width_m1:0+16"),
    _row("SET_OFM_HEIGHT0_M1", 0, 0x11B, ALL, "height_m1:0+16"),
    _row("SET_OFM_HEIGHT1_M1", 0, 0x11C, ALL, "height_m1:0+16"),
    _row("SET_OFM_REGION", 0, 0x11F, ALL, "region:0+3"),
    _row("SET_KERNEL_WIDTH_M1", 0, 0x120, ALL, "width_m1:0+16"),
    _row("SET_KERNEL_HEIGHT_M1", 0, 0x121, ALL, "height_m1:0+16"),
    _row(
        "SET_KERNEL_STRIDE", 0, 0x122, ALL,
        "stride_x_lsb:0+1 stride_y_lsb:1+1 weight_order:2+1:weight_order dilation_x:3+1:kernel_dilation "
        "dilation_y:4+1:kernel_dilation decomposition:5+1:kernel_decomposition stride_x_msb:6+1 "
        "stride_y_msb:9+1",
    ),
    _row("SET_PARALLEL_MODE", 0, 0x123, U65, "parallel_mode:0+1:parallel_mode"),
    _row("SET_ACC_FORMAT", 0, 0x124, U55_U65, "acc_format:0+2:acc_format"),
    _row(
        "SET_ACC_FORMAT", 0, 0x124, U85,
        "acc_format:0+2:acc_format@85 acc_input:4+2:acc_input acc_output:6+1:acc_output "
        "microblock:8+3:microblock",
    ),
    _row(
        "SET_ACTIVATION", 0, 0x125, U55_U65,
        "activation_function:0+5:activation_function activation_clip_range:12+3:activation_clip_range",
    ),
    _row(
        "SET_ACTIVATION", 0, 0x125, U85,
        "activation_function:0+5:activation_function@85 table:5+3 "
        "activation_clip_range:12+1:activation_clip_range@85",
    ),
    _row("SET_ACTIVATION_MIN", 0, 0x126, ALL, "clip_boundary:0+16"),
    _row("SET_ACTIVATION_MAX", 0, 0x127, ALL, "clip_boundary:0+16"),
    _row("SET_WEIGHT_REGION", 0, 0x128, ALL, "region:0+3"),
    _row("SET_SCALE_REGION", 0, 0x129, ALL, "region:0+3"),
    _row("SET_RESIZE_X_SCALE_N_M1", 0, 0x12A, U85, "resize_x_scale_n_m1:0+11"),
    _row("SET_RESIZE_Y_SCALE_N_M1", 0, 0x12B, U85, "resize_y_scale_n_m1:0+11"),
    _row("SET_RESIZE_X_OFFSET", 0, 0x12C, U85, "resize_x_offset:0+12:signed"),
    _row("SET_AB_START", 0, 0x12D, U55_U65, "ab_start:0+6"),
    _row("SET_RESIZE_Y_OFFSET", 0, 0x12D, U85, "resize_y_offset:0+12:signed"),
    _row("SET_WEIGHT_FORMAT", 0, 0x12E, U85, "weight_format:0+1:weight_format weight_sparsity:4+1:weight_sparsity"),
    _row("SET_BLOCKDEP", 0, 0x12F, U55_U65, "blockdep:0+2"),
    _row("SET_BLOCKDEP", 0, 0x12F, U85, "blockdep:0+3"),
    _row(
        "SET_DMA0_SRC_REGION", 0, 0x130, U55_U65,
        "region:0+3 region_mode:8+1:dma_region_mode stride_mode:9+2:dma_stride_mode",
    ),
    _row(
        "SET_DMA0_SRC_REGION", 0, 0x130, U85,
        "region:0+3 region_mode:8+1:dma_region_mode stride_mode:9+2:dma_stride_mode "
        "idx_mode:11+1:dma_idx_mode",
    ),
    _row(
        "SET_DMA0_DST_REGION", 0, 0x131, U55_U65,
        "region:0+3 region_mode:8+1:dma_region_mode stride_mode:9+2:dma_stride_mode",
    ),
    _row("SET_DMA0_DST_REGION", 0, 0x131, U85, "region:0+3 region_mode:8+1:dma_region_mode idx_mode:11+1:dma_idx_mode"),
    _row("SET_DMA0_SIZE0", 0, 0x132, ALL, "size:0+16"),
    _row("SET_DMA0_SIZE1", 0, 0x133, ALL, "size:0+16"),
    _row("SET_DMA0_IDX_REGION", 0, 0x134, U85, "region:0+3"),
    _row(
        "SET_IFM2_BROADCAST", 0, 0x180, U55_U65,
        "broadcast_h:0+1:broadcast_mode broadcast_w:1+1:broadcast_mode broadcast_c:2+1:broadcast_mode "
        "operand_order:6+1:ifm2_operand_order broadcast_constant:7+1:broadcast_mode",
    ),
    _row("SET_IFM2_BROADCAST", 0, 0x180, U85, "broadcast_mode:0+4:broadcast_mode@85"),
    _row("SET_IFM2_SCALAR", 0, 0x181, U55_U65, "scalar:0+16"),
    _row(
        "SET_IFM2_PRECISION", 0, 0x185, U55_U65,
        "activation_type:0+1:activation_type activation_precision:2+2:activation_precision "
        "activation_format:6+2:activation_format",
    ),
    _row(
        "SET_IFM2_PRECISION", 0, 0x185, U85,
        "activation_type:0+1:activation_type activation_precision:2+2:activation_precision "
        "activation_format:6+2:activation_format activation_storage:14+2:activation_storage",
    ),
    _row("SET_IFM2_ZERO_POINT", 0, 0x189, ALL, "zero_point:0+16"),
    _row("SET_IFM2_WIDTH0_M1", 0, 0x18A, ALL, "width_m1:0+16"),
    _row("SET_IFM2_HEIGHT0_M1", 0, 0x18B, ALL, "height_m1:0+16"),
    _row("SET_IFM2_HEIGHT1_M1", 0, 0x18C, ALL, "height_m1:0+16"),
    _row("SET_IFM2_IB_START", 0, 0x18D, U55_U65, "ib_start:0+6"),
    _row("SET_IFM2_REGION", 0, 0x18F, ALL, "region:0+3"),
    _row("SET_IFM_BASE0", 1, 0x000, ALL, "addr:0+40:hex"),
    _row("SET_IFM_BASE1", 1, 0x001, ALL, "addr:0+40:hex"),
    _row("SET_IFM_BASE2", 1, 0x002, ALL, "addr:0+40:hex"),
    _row("SET_IFM_BASE3", 1, 0x003, ALL, "addr:0+40:hex"),
    _row("SET_IFM_STRIDE_X", 1, 0x004, ALL, "addr:0+40:hex"),
    _row("SET_IFM_STRIDE_Y", 1, 0x005, ALL, "addr:0+40:hex"),
    _row("SET_IFM_STRIDE_C", 1, 0x006, ALL, "addr:0+40:hex"),
    _row("SET_OFM_BASE0", 1, 0x010, ALL, "addr:0+40:hex"),
    _row("SET_OFM_BASE1", 1, 0x011, ALL, "addr:0+40:hex"),
    _row("SET_OFM_BASE2", 1, 0x012, ALL, "addr:0+40:hex"),
    _row("SET_OFM_BASE3", 1, 0x013, ALL, "addr:0+40:hex"),
    _row("SET_OFM_STRIDE_X", 1, 0x014, ALL, "addr:0+40:hex"),
    _row("SET_OFM_STRIDE_Y", 1, 0x015, ALL, "addr:0+40:hex"),
    _row("SET_OFM_STRIDE_C", 1, 0x016, ALL, "addr:0+40:hex"),
    _row("SET_WEIGHT_BASE", 1, 0x020, ALL, "addr:0+40:hex"),
    _row("SET_WEIGHT_LENGTH", 1, 0x021, ALL, "length:0+32"),
    _row("SET_SCALE_BASE", 1, 0x022, ALL, "addr:0+40:hex"),
    _row("SET_SCALE_LENGTH", 1, 0x023, ALL, "length:0+20"),
    _row("SET_OFM_SCALE", 1, 0x024, U55_U65, "shift:32+6 scale:0+32"),
    _row("SET_OFM_SCALE", 1, 0x024, U85, "shift:32+6 dbl_rnd:38+5 round_mode:45+3:round_mode_ofm scale:0+31"),
    _row("SET_OPA_SCALE", 1, 0x025, U55_U65, "shift:32+6 scale:0+32"),
    _row("SET_IFM_SCALE", 1, 0x025, U85, "shift:32+6 dbl_rnd:38+5 round_mode:45+1:round_mode_ifm scale:0+31"),
    _row("SET_OPB_SCALE", 1, 0x026, U55_U65, "scale:0+16"),
    _row("SET_IFM2_SCALE", 1, 0x026, U85, "shift:32+6 dbl_rnd:38+5 round_mode:45+1:round_mode_ifm scale:0+31"),
    _row("SET_OP_SCALAR", 1, 0x027, U85, "scalar:0+32:scalar"),
    _row("SET_DMA0_SRC", 1, 0x030, ALL, "addr:0+40:hex"),
    _row("SET_DMA0_DST", 1, 0x031, ALL, "addr:0+40:hex"),
    _row("SET_DMA0_LEN", 1, 0x032, ALL, "addr:0+40:hex"),
    _row("SET_DMA0_SKIP0", 1, 0x033, U65, "addr:0+40:hex"),
    _row("SET_DMA0_SRC_STRIDE0", 1, 0x033, U85, "addr:0+40:hex"),
    _row("SET_DMA0_SKIP1", 1, 0x034, U65, "addr:0+40:hex"),
    _row("SET_DMA0_SRC_STRIDE1", 1, 0x034, U85, "addr:0+40:hex"),
    _row("SET_DMA0_DST_STRIDE0", 1, 0x035, U85, "addr:0+40:hex"),
    _row("SET_DMA0_DST_STRIDE1", 1, 0x036, U85, "addr:0+40:hex"),
    _row("SET_DMA0_IDX", 1, 0x037, U85, "addr:0+40:hex"),
    _row("SET_DMA0_IDX_MAX", 1, 0x038, U85, "idx_max:0+31"),
    _row("SET_DMA0_IDX_SKIP1", 1, 0x039, U85, "addr:0+40:hex"),
    _row("SET_IFM2_BASE0", 1, 0x080, ALL, "addr:0+40:hex"),
    _row("SET_IFM2_BASE1", 1, 0x081, ALL, "addr:0+40:hex"),
    _row("SET_IFM2_BASE2", 1, 0x082, ALL, "addr:0+40:hex"),
    _row("SET_IFM2_BASE3", 1, 0x083, ALL, "addr:0+40:hex"),
    _row("SET_IFM2_STRIDE_X", 1, 0x084, ALL, "addr:0+40:hex"),
    _row("SET_IFM2_STRIDE_Y", 1, 0x085, ALL, "addr:0+40:hex"),
    _row("SET_IFM2_STRIDE_C", 1, 0x086, ALL, "addr:0+40:hex"),
    _row("SET_WEIGHT1_BASE", 1, 0x090, ALL, "addr:0+40:hex"),
    _row("SET_WEIGHT1_LENGTH", 1, 0x091, ALL, "length:0+32"),
    _row("SET_SCALE1_BASE", 1, 0x092, U65, "addr:0+40:hex"),
    _row("SET_WEIGHT2_BASE", 1, 0x092, U85, "addr:0+40:hex"),
    _row("SET_SCALE1_LENGTH", 1, 0x093, U65, "length:0+20"),
    _row("SET_WEIGHT2_LENGTH", 1, 0x093, U85, "length:0+32"),
    _row("SET_WEIGHT3_BASE", 1, 0x094, U85, "addr:0+40:hex"),
    _row("SET_WEIGHT3_LENGTH", 1, 0x095, U85, "length:0+32"),
    _row("SET_RESIZE_X_STEP", 1, 0x096, U85, "one_step_int:32+4 blk_step_int:36+11 one_step_mod:0+11 blk_step_mod:16+11"),
    _row("SET_RESIZE_Y_STEP", 1, 0x097, U85, "one_step_int:32+4 blk_step_int:36+11 one_step_mod:0+11 blk_step_mod:16+11"),
    _row("OP_BRANCH", 1, 0x100, U85, "branch_cond:32+1:branch_cond branch_target:0+32"),
)
# fmt: on


def _by_code(product: str) -> Mapping[tuple[int, int], Register]:
    return MappingProxyType({(row.kind, row.code): row for row in REGISTERS if product in row.products})


def _by_name(product: str) -> Mapping[str, Register]:
    return MappingProxyType({row.name: row for row in REGISTERS if product in row.products})


BY_CODE: Mapping[str, Mapping[tuple[int, int], Register]] = MappingProxyType({p: _by_code(p) for p in ALL})
BY_NAME: Mapping[str, Mapping[str, Register]] = MappingProxyType({p: _by_name(p) for p in ALL})
