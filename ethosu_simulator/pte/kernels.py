"""Kernels of ExecuTorch that are run here: those that stand between float tensors and the NPU's integers.

Source: ExecuTorch 1.5.1 `kernels/quantized/cpu/op_quantize.cpp` and `op_dequantize.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.container import Tensor
from ethosu_simulator.errors import ContainerError

Array = NDArray[Any]
Argument = Array | int | float | None
INT32 = np.iinfo(np.int32)


def quantize_per_tensor(arguments: Sequence[Argument], out: Tensor) -> Array:
    """clamp(nearest even(value * (1 / scale)) + zero point, lowest, highest), the product in float32.

    Beyond 2^63, where C++ leaves it undefined, the sign decides, as Arm's conversion does.
    """
    values, scale, zero_point, low, high = _five(arguments)
    inverse = np.float32(1) / np.float32(scale)
    with np.errstate(all="ignore"):
        scaled = np.rint(inverse * values.astype(np.float32)).astype(np.float64)
    whole = np.nan_to_num(scaled, nan=INT32.min, posinf=INT32.max, neginf=INT32.min) + int(zero_point)
    result: Array = np.clip(whole, int(low), int(high)).astype(out.dtype)
    return result


def dequantize_per_tensor(arguments: Sequence[Argument], out: Tensor) -> Array:
    """(value - zero point) * scale in float32."""
    values, scale, zero_point, _, _ = _five(arguments)
    result: Array = ((values.astype(np.int64) - int(zero_point)).astype(np.float32) * np.float32(scale)).astype(out.dtype)
    return result


def _five(arguments: Sequence[Argument]) -> tuple[Array, float, float, float, float]:
    if len(arguments) < 5 or not isinstance(arguments[0], np.ndarray):
        raise ContainerError("a quantize or dequantize without its tensor, scale, zero point and limits")
    numbers = [float(one) for one in arguments[1:5] if isinstance(one, int | float)]
    if len(numbers) != 4 or not all(map(np.isfinite, numbers)) or numbers[0] <= 0:
        raise ContainerError(f"a quantize or dequantize with scale, zero point and limits {numbers}")
    return arguments[0], numbers[0], numbers[1], numbers[2], numbers[3]


KERNELS: Mapping[str, Callable[[Sequence[Argument], Tensor], Array]] = {
    "quantized_decomposed::quantize_per_tensor.out": quantize_per_tensor,
    "quantized_decomposed::dequantize_per_tensor.out": dequantize_per_tensor,
}
