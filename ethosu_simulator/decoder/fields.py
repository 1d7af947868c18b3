"""Register values that mean the same on every product: element types, zero points, shapes, places in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ethosu_simulator.errors import MemoryFault
from ethosu_simulator.memory import MAX_ELEMENTS, FeatureMap
from ethosu_simulator.operands import Range, Shape

if TYPE_CHECKING:
    from ethosu_simulator.decoder.register_file import RegisterFile

ADDRESS_BITS = 40
_BITS = {"B8": 8, "B16": 16, "B32": 32, "B64": 64}


def dtype_of(registers: RegisterFile, which: str) -> str:
    """The numpy dtype of feature map `IFM`, `IFM2` or `OFM`."""
    name = f"{which}_PRECISION"
    signed = registers.choice(name, "activation_type") == "SIGNED"
    return f"{'' if signed else 'u'}int{_BITS[registers.choice(name, 'activation_precision')]}"


def operand_bits(registers: RegisterFile) -> int:
    """The bits of an element of the IFM."""
    return _BITS[registers.choice("IFM_PRECISION", "activation_precision")]


def zero_point(registers: RegisterFile, which: str) -> int:
    """The zero point of `IFM`, `IFM2` or `OFM`, signed as its elements are."""
    unsigned = dtype_of(registers, which).startswith("u")
    return registers.value(f"{which}_ZERO_POINT") if unsigned else registers.signed(f"{which}_ZERO_POINT")


def bounds(registers: RegisterFile) -> tuple[int, int]:
    """ACTIVATION_MIN and MAX, signed or not as the output is."""
    if registers.choice("OFM_PRECISION", "activation_type") == "SIGNED":
        return registers.signed("ACTIVATION_MIN"), registers.signed("ACTIVATION_MAX")
    return registers.value("ACTIVATION_MIN"), registers.value("ACTIVATION_MAX")


def ofm_shape(registers: RegisterFile) -> Shape:
    """(height, width, depth) of the output; MemoryFault when that is more than the simulator holds."""
    height, width, depth = (registers.number(f"OFM_{side}_M1") + 1 for side in ("HEIGHT", "WIDTH", "DEPTH"))
    check_elements(height, width, depth)
    return height, width, depth


def check_elements(*shape: int) -> None:
    """Refuses an array of more than MAX_ELEMENTS."""
    if math.prod(shape) > MAX_ELEMENTS:
        raise MemoryFault(f"a feature map of shape {shape}: expected at most {MAX_ELEMENTS} elements")


def feature_map(registers: RegisterFile, which: str) -> FeatureMap:
    """Where `IFM`, `IFM2` or `OFM` lies in memory."""
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
        bricks=registers.choice(f"{which}_PRECISION", "activation_format") == "NHCWB16",
        dtype=dtype_of(registers, which),
    )


def _stride(registers: RegisterFile, name: str) -> int:
    """A stride is a 40-bit two's complement: MIRROR_PAD writes backwards (`MakeMemoryCopyForMirrorPad` in Vela)."""
    value = registers.number(name)
    return value - (value >> (ADDRESS_BITS - 1) << ADDRESS_BITS)


def weight_range(registers: RegisterFile, what: str, core: str) -> Range:
    """The bytes of a weight stream (`WEIGHT`) or of scale records (`SCALE`); an empty one needs no place."""
    length = registers.number(f"{what}{core}_LENGTH")
    return Range(registers.number(f"{what}_REGION"), registers.number(f"{what}{core}_BASE") if length else 0, length)
