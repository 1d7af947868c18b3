"""Registers -> where the input and output feature maps lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ethosu_simulator.errors import MemoryFault, NotModelled
from ethosu_simulator.memory import MAX_ELEMENTS, FeatureMap

if TYPE_CHECKING:
    from ethosu_simulator.register_file import RegisterFile

ADDRESS_BITS = 40
SIZES = {"B8": 8, "B16": 16, "B32": 32, "B64": 64}


def dtype_of(registers: RegisterFile, which: str) -> str:
    """The numpy dtype of feature map `IFM`, `IFM2` or `OFM`."""
    name = f"{which}_PRECISION"
    signed = registers.choice(name, "activation_type") == "SIGNED"
    return f"{'' if signed else 'u'}int{SIZES[registers.choice(name, 'activation_precision')]}"


def feature_map(registers: RegisterFile, which: str) -> FeatureMap:
    """Where `IFM`, `IFM2` or `OFM` lies."""
    precision = f"{which}_PRECISION"
    if registers.config.product == "u85" and registers.choice(precision, "activation_storage") == "TILE3X1":
        raise NotModelled(f"NPU_SET_{precision}", "activation_storage TILE3X1")
    bases = tuple(registers.number(f"{which}_BASE{i}") for i in range(4))
    return FeatureMap(
        region=registers.number(f"{which}_REGION"),
        bases=(bases[0], bases[1], bases[2], bases[3]),
        height0=registers.number(f"{which}_HEIGHT0_M1") + 1,
        height1=registers.number(f"{which}_HEIGHT1_M1") + 1,
        width0=registers.number(f"{which}_WIDTH0_M1") + 1,
        stride_y=_stride(registers, f"{which}_STRIDE_Y"),
        stride_x=_stride(registers, f"{which}_STRIDE_X"),
        stride_c=_stride(registers, f"{which}_STRIDE_C"),
        bricks=registers.choice(precision, "activation_format") == "NHCWB16",
        dtype=dtype_of(registers, which),
    )


def _stride(registers: RegisterFile, name: str) -> int:
    """A stride is a 40-bit two's complement: MIRROR_PAD writes backwards (`MakeMemoryCopyForMirrorPad` in Vela)."""
    value = registers.number(name)
    return value - (value >> (ADDRESS_BITS - 1) << ADDRESS_BITS)


def ofm_shape(registers: RegisterFile) -> tuple[int, int, int]:
    """(height, width, depth) of the output; MemoryFault when that is more than the simulator holds."""
    height, width, depth = (registers.number(f"OFM_{side}_M1") + 1 for side in ("HEIGHT", "WIDTH", "DEPTH"))
    check_elements(height, width, depth)
    return height, width, depth


def check_elements(*shape: int) -> None:
    """Refuses an array of more than MAX_ELEMENTS."""
    if math.prod(shape) > MAX_ELEMENTS:
        raise MemoryFault(f"a feature map of shape {shape}: expected at most {MAX_ELEMENTS} elements")
