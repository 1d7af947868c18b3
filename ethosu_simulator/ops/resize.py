"""NPU_OP_RESIZE (U85): nearest or bilinear, positions as exact fractions.

Output coordinate o lies at `(o * d + offset) / n` of the input, with `n` from RESIZE_*_SCALE_N_M1 and `d = step_int * n +
step_mod` from RESIZE_*_STEP; outside positions take the border. Bilinear weights are `n - r` and `r` for the remainder r, so
the sum carries n_y * n_x; the hardware holds it with 16 more bits, which OFM_SCALE's shift takes off again. Source: TOSA
RESIZE and `GenerateResizeOp` in Vela.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import NotModelled, StreamError
from ethosu_simulator.ops.output_stage import finish, one_scale

if TYPE_CHECKING:
    from ethosu_simulator.machine import Machine
    from ethosu_simulator.register_file import RegisterFile

Array = NDArray[Any]
FRACTION_BITS = 16


def positions(registers: RegisterFile, axis: str, count: int) -> tuple[Array, Array, int]:
    """(whole positions, remainders, n) of `count` output coordinates."""
    n = registers.number(f"RESIZE_{axis}_SCALE_N_M1") + 1
    d = registers.number(f"RESIZE_{axis}_STEP", "one_step_int") * n + registers.number(f"RESIZE_{axis}_STEP", "one_step_mod")
    numerators = np.arange(count, dtype=np.int64) * d + registers.number(f"RESIZE_{axis}_OFFSET")
    return numerators // n, numerators % n, n


def resize(mode: str, machine: Machine) -> Array:
    """The output [height, width, depth] of the output's dtype."""
    registers = machine.registers
    height, width, depth = machine.ofm_shape()
    rows, columns = registers.number("KERNEL_HEIGHT_M1") + 1, registers.number("KERNEL_WIDTH_M1") + 1
    ifm = machine.read("IFM", (rows, columns, depth)).astype(np.int64) - machine.zero_point("IFM")
    y, y_rest, y_n = positions(registers, "Y", height)
    x, x_rest, x_n = positions(registers, "X", width)
    if mode == "NEAREST":
        near_y = np.clip(y + (2 * y_rest >= y_n), 0, rows - 1)
        near_x = np.clip(x + (2 * x_rest >= x_n), 0, columns - 1)
        acc = ifm[near_y][:, near_x]
    elif mode == "BILINEAR":
        acc = _blend(_blend(ifm, y, y_rest, y_n, 0), x, x_rest, x_n, 1)
    else:
        raise NotModelled("NPU_OP_RESIZE", f"resize_mode {mode}")
    shift = registers.number("OFM_SCALE", "shift") - FRACTION_BITS
    if shift < 0 or registers.number("OFM_SCALE", "scale") != 1:
        raise StreamError("NPU_OP_RESIZE needs OFM_SCALE with scale 1 and a shift of at least 16")
    return finish(acc.reshape(-1, depth), one_scale(1, shift), machine.stage()).reshape(height, width, depth)


def _blend(values: Array, at: Array, rest: Array, n: int, axis: int) -> Array:
    """`values` taken along `axis` at fractional positions, times n."""
    last = values.shape[axis] - 1
    shape = [1, 1, 1]
    shape[axis] = len(at)
    weight = rest.reshape(shape)
    low, high = np.take(values, np.clip(at, 0, last), axis), np.take(values, np.clip(at + 1, 0, last), axis)
    blended: Array = low * (n - weight) + high * weight
    return blended
