"""The parts of an operation out of the registers: operands, window, output, accumulators, weights, schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.decoder.fields import check_elements, dtype_of, feature_map, ofm_shape, zero_point
from ethosu_simulator.decoder.registers_u55 import U55_U65
from ethosu_simulator.decoder.registers_u85 import U85
from ethosu_simulator.errors import NotModelled, StreamError, WeightStreamError
from ethosu_simulator.fixed_point import DOUBLE, DOWN, FIRST_SHIFT, NATURAL, SYMMETRIC, TRUNCATE
from ethosu_simulator.operands import Accumulators, Chain, Operand, Output, Scalar, Schedule, Shape, Weights, Window
from ethosu_simulator.scaling import GlobalScale, OutputStage
from ethosu_simulator.weight_stream import MAX_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ethosu_simulator.decoder.dialects import Dialect
    from ethosu_simulator.decoder.register_file import RegisterFile
    from ethosu_simulator.memory import FeatureMap

DIALECTS: Mapping[str, Dialect] = {"u55": U55_U65, "u65": U55_U65, "u85": U85}
ROUNDINGS = {
    "DBL": DOUBLE, "TRUNCATE": TRUNCATE, "NATURAL": NATURAL,
    "DOUBLE_SYMMETRIC": DOUBLE, "SYMMETRIC": SYMMETRIC, "TRUNCATE_TO_ZERO": TRUNCATE, "TRUNCATE_TO_LOWER": DOWN,
}  # fmt: skip
WORDS = ("int32", "uint32")


@dataclass(frozen=True)
class Reader:
    """Registers as they stand at a command, and the rules to read them by."""

    registers: RegisterFile
    dialect: Dialect

    def shape(self) -> Shape:
        """The OFM's height, width, depth."""
        return ofm_shape(self.registers)

    def operand(self, role: str, shape: Shape) -> Operand:
        """An input of which `shape` is read."""
        return Operand(
            role=role,
            shape=shape,
            dtype=dtype_of(self.registers, role),
            zero_point=zero_point(self.registers, role),
            where=self._place(role),
        )

    def broadcast(self, role: str, shape: Shape) -> Operand:
        """An elementwise operand, broadcast to `shape` or a scalar."""
        mask, scalar = self.dialect.broadcast(self.registers, role)
        if scalar is not None:
            dtype, zero = dtype_of(self.registers, role), zero_point(self.registers, role)
            return Operand(role=role, shape=(1, 1, 1), dtype=dtype, zero_point=zero, where=Scalar(scalar))
        height, width, depth = (1 if mask >> axis & 1 else size for axis, size in enumerate(shape))
        return self.operand(role, (height, width, depth))

    def _place(self, which: str) -> FeatureMap | Chain:
        storage = self.dialect.storage(self.registers, which)
        if storage == "CHAINED":
            return Chain(self.registers.number(f"{which}_REGION"))
        if storage == "TILE3X1" or (storage == "NONE" and which == "OFM"):
            raise NotModelled(f"NPU_SET_{which}_PRECISION", f"activation_storage {storage}")
        return feature_map(self.registers, which)

    def is_global(self) -> bool:
        """True when one scale, OFM_SCALE, is for all channels."""
        return self.registers.choice("OFM_PRECISION", "scale_mode") == "GLOBAL"

    def global_scale(self) -> GlobalScale:
        """What OFM_SCALE asks for."""
        return GlobalScale(self.registers.number("OFM_SCALE", "scale"), self.registers.number("OFM_SCALE", "shift"))

    def output(self) -> Output:
        """The OFM; StreamError when its clip range is empty."""
        registers = self.registers
        rounding = registers.choice(self.dialect.rounding_register, "round_mode")
        if rounding not in ROUNDINGS:
            raise NotModelled("NPU_SET_OFM_SCALE", f"round_mode {rounding}")
        low, high = self.dialect.clip(registers)
        if low > high:
            raise StreamError(
                f"the clip range {low}..{high} is empty: expected ACTIVATION_MIN <= ACTIVATION_MAX, within the OFM's type"
            )
        dtype = dtype_of(registers, "OFM")
        lookup, (reverse, order) = self.dialect.lookup(registers), self.dialect.turned(registers)
        zero = zero_point(registers, "OFM")
        if dtype in WORDS and lookup is None and not self.dialect.offsets_words:
            zero = 0
        stage = OutputStage(
            rounding=ROUNDINGS[rounding], first_shift=FIRST_SHIFT, zero_point=zero, low=low, high=high, dtype=dtype, table=None
        )
        return Output(
            dtype=dtype,
            where=self._place("OFM"),
            stage=stage,
            lookup=lookup,
            reverse=reverse,
            order=order,
            per_channel=not self.is_global(),
        )

    def accumulators(self) -> Accumulators:
        """Where accumulators begin and whether they are output."""
        begin, outputs = self.dialect.accumulation(self.registers)
        held = self.operand("IFM2", self.shape()) if begin == "IFM2" else None
        return Accumulators(begin=begin, outputs=outputs, ifm2=held)

    def window(self) -> Window:
        """The sliding window; StreamError when its padding exceeds it."""
        registers, ofm = self.registers, self.shape()
        stride_y, stride_x = registers.strides()
        dilation_y, dilation_x = (registers.number("KERNEL_STRIDE", f"dilation_{axis}") + 1 for axis in "yx")
        reach_y, reach_x = registers.number("KERNEL_HEIGHT_M1"), registers.number("KERNEL_WIDTH_M1")
        padded_height, padded_width = (ofm[0] - 1) * stride_y + reach_y + 1, (ofm[1] - 1) * stride_x + reach_x + 1
        top, left, bottom, right = (registers.number(f"IFM_PAD_{side}") for side in ("TOP", "LEFT", "BOTTOM", "RIGHT"))
        height, width = padded_height - top - bottom, padded_width - left - right
        check_elements(padded_height, padded_width, registers.number("IFM_DEPTH_M1") + 1)
        if height < 0 or width < 0:
            raise StreamError(f"padding leaves an input of {height} x {width}")
        upscale = registers.choice("IFM_UPSCALE", "mode")
        factor = 1 if upscale == "NONE" else 2
        return Window(
            kernel_y=reach_y // dilation_y + 1, kernel_x=reach_x // dilation_x + 1, stride_y=stride_y, stride_x=stride_x,
            dilation_y=dilation_y, dilation_x=dilation_x, top=top, left=left, bottom=bottom, right=right, upscale=upscale,
            ofm=ofm, padded_height=padded_height, padded_width=padded_width, inside_height=height, inside_width=width,
            ifm_height=-(-height // factor), ifm_width=-(-width // factor),
        )  # fmt: skip

    def ifm(self, win: Window) -> Operand:
        """The input under a window."""
        return self.operand("IFM", (win.ifm_height, win.ifm_width, self.registers.number("IFM_DEPTH_M1") + 1))

    def weights(self, win: Window, *, depthwise: bool) -> Weights:
        """The compressed kernel; WeightStreamError when it is larger than the simulator holds."""
        inputs = 1 if depthwise else self.registers.number("IFM_DEPTH_M1") + 1
        shape = (win.ofm[2], win.kernel_y, win.kernel_x, inputs)
        if np.prod(shape, dtype=object) > MAX_WEIGHTS:
            raise WeightStreamError(f"a kernel of shape {shape}: expected at most {MAX_WEIGHTS} weights")
        form = self.dialect.weight_form(self.registers)
        return Weights(shape=shape, traversal=self.dialect.traversal(self.registers, depthwise), **vars(form))

    def schedule(self) -> Schedule:
        """What says nothing about values and everything about time."""
        registers = self.registers
        block = tuple(registers.maybe(f"OFM_BLK_{side}_M1") for side in ("HEIGHT", "WIDTH", "DEPTH"))
        height, width, depth = block
        return Schedule(
            ofm_block=None if height is None or width is None or depth is None else (height + 1, width + 1, depth + 1),
            blockdep=registers.maybe("BLOCKDEP"),
            acc_format=registers.maybe_choice("ACC_FORMAT", "acc_format"),
            weight_order=registers.maybe_choice("KERNEL_STRIDE", "weight_order"),
            decomposition=registers.maybe_choice("KERNEL_STRIDE", "decomposition"),
            parallel=registers.maybe_choice("PARALLEL_MODE", "parallel_mode"),
            microblock=registers.maybe_choice("ACC_FORMAT", "microblock"),
            ifm_ib_end=registers.maybe("IFM_IB_END"),
            ifm2_ib_start=registers.maybe("IFM2_IB_START"),
            ab_start=registers.maybe("AB_START"),
        )
