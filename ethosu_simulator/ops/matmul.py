"""NPU_OP_CONV with its weights in IFM2: `acc[0, x, o] = sum((ifm[0, x, i] - zero) * (ifm2[0, o, i] - zero2))`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ethosu_simulator.ops.conv import exact_dtype, ifm_magnitude
from ethosu_simulator.ops.output_stage import finish

if TYPE_CHECKING:
    from ethosu_simulator.scaling import OutputStage, Scaling

Array = NDArray[Any]


def matmul(left: Array, right: Array, zeros: tuple[int, int], scaling: Scaling, stage: OutputStage) -> Array:
    """The output [1, width, o] for a left side [1, width, i] and a right side [1, o, i]."""
    reach = [ifm_magnitude(str(side.dtype), zero) + abs(zero) for side, zero in zip((left, right), zeros, strict=True)]
    dtype = exact_dtype(right.shape[2] * reach[1], reach[0])
    acc = (left[0].astype(dtype) - zeros[0]) @ (right[0].astype(dtype) - zeros[1]).T
    return finish(acc, scaling, stage)[None]
