"""NPU_OP_RESIZE (U85): nearest or bilinear, positions as exact fractions.

Output coordinate o lies at `(o * d + offset) / n` of the input, with `n` from RESIZE_*_SCALE_N_M1 and `d = step_int * n +
step_mod` from RESIZE_*_STEP; outside positions take the border. Bilinear weights are `n - r` and `r` for the remainder r, so
the sum carries n_y * n_x; the hardware holds it with 16 more bits, which OFM_SCALE's shift takes off again (the decoder has
left them out of both). Source: TOSA RESIZE and `GenerateResizeOp` in Vela.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.ops.output_stage import finish

if TYPE_CHECKING:
    from ethosu_simulator.operands import Positions
    from ethosu_simulator.operations import Resize
    from ethosu_simulator.scaling import OutputStage

Array = NDArray[Any]


def places(positions: Positions, count: int) -> tuple[Array, Array]:
    """(whole positions, remainders of n) of `count` output coordinates."""
    numerators = np.arange(count, dtype=np.int64) * positions.step + positions.offset
    return numerators // positions.n, numerators % positions.n


def nearest(positions: Positions, count: int, size: int) -> Array:
    """The input coordinate nearest to each of `count` output coordinates."""
    whole, rest = places(positions, count)
    near: Array = np.clip(whole + (2 * rest >= positions.n), 0, size - 1)
    return near


def resize(operation: Resize, ifm: Array, stage: OutputStage) -> Array:
    """The output [height, width, depth] of `stage.dtype` for an input minus its zero point, int64."""
    height, width, depth = operation.shape
    if operation.mode == "NEAREST":
        acc = ifm[nearest(operation.y, height, len(ifm))][:, nearest(operation.x, width, ifm.shape[1])]
    else:
        acc = _blend(_blend(ifm, operation.y, height, 0), operation.x, width, 1)
    return finish(acc.reshape(-1, depth), operation.scale.scaling(), stage).reshape(height, width, depth)


def _blend(values: Array, positions: Positions, count: int, axis: int) -> Array:
    """`values` taken along `axis` at `count` fractional positions, times n."""
    (at, rest), n = places(positions, count), positions.n
    last = values.shape[axis] - 1
    shape = [1, 1, 1]
    shape[axis] = len(at)
    weight = rest.reshape(shape)
    low, high = np.take(values, np.clip(at, 0, last), axis), np.take(values, np.clip(at + 1, 0, last), axis)
    blended: Array = low * (n - weight) + high * weight
    return blended
