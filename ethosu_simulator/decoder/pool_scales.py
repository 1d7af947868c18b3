"""What OFM_SCALE means in a pool, whatever a compiler left in it: docs/decisions/streams-of-older-velas.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ethosu_simulator.errors import NotModelled
from ethosu_simulator.scaling import UNIT, GlobalScale

if TYPE_CHECKING:
    from ethosu_simulator.decoder.parts import Reader
    from ethosu_simulator.operands import Window

EXTREMES = ("MAX", "MIN")
TOLERANCE_BITS = 20
"""A reciprocal of a kernel's size is this exact at least: it has 31 bits."""


def pool_scale(reader: Reader, mode: str, win: Window, *, divides: bool) -> GlobalScale:
    """The scale that the pool applies; NotModelled where no compiler shows what the hardware does."""
    if divides:
        return _of_a_mean(reader, win)
    if mode in EXTREMES and not reader.dialect.scales_extremes:
        return UNIT
    if not reader.is_global():
        raise NotModelled("NPU_OP_POOL", f"pooling_mode {mode} with OFM scale_mode PER_CHANNEL")
    return reader.global_scale()


def _of_a_mean(reader: Reader, win: Window) -> GlobalScale:
    """None: the division is the hardware's own. Other values than those which compilers leave there are refused."""
    if not reader.is_global():
        if reader.dialect.average_always_divides:
            raise NotModelled("NPU_OP_POOL", "pooling_mode AVERAGE with OFM scale_mode PER_CHANNEL")
        return UNIT
    found = reader.global_scale()
    if not (_is_reciprocal(found, 1) or _is_reciprocal(found, win.kernel_y * win.kernel_x)):
        raise NotModelled(
            "NPU_SET_OFM_SCALE", f"{found.scale} / 2**{found.shift} where the hardware divides by the window itself"
        )
    return UNIT


def _is_reciprocal(found: GlobalScale, elements: int) -> bool:
    """True for 1 / elements, as near as a compiler gets to it."""
    return abs(found.scale * elements - (1 << found.shift)) << TOLERANCE_BITS <= elements << found.shift
