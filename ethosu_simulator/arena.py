"""The memory in which all operators of a file work: one arena of bytes, and fast scratch where that is memory of its own.

On silicon, and in TFLite Micro with Vela's `OfflineMemoryAllocation`, tensors lie at fixed offsets of one arena that lives as
long as the model: Vela lets several `ethos-u` operators write parts of one tensor, and lets one read what an earlier one
left there without listing it. Fast scratch is the driver's own memory and lives as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.container import DTYPES, Tensor
from ethosu_simulator.errors import ContainerError, InputError, MemoryFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ethosu_simulator.limits import Limits

Array = NDArray[Any]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Arena:
    """The arena's bytes, and those of a fast scratch beside it."""

    main: Bytes
    fast: Bytes

    def load(self, tensor: Tensor) -> Array:
        """A copy of what lies at the tensor's place."""
        self._check(tensor)
        return tensor_of(tensor, self.main[tensor.offset : tensor.offset + tensor.size_bytes])

    def store(self, tensor: Tensor, values: Array) -> None:
        """Puts values at the tensor's place."""
        self._check(tensor)
        self.main[tensor.offset : tensor.offset + tensor.size_bytes] = bytes_of(tensor, values)

    def _check(self, tensor: Tensor) -> None:
        end = tensor.offset + tensor.size_bytes
        if tensor.offset < 0 or end > len(self.main):
            raise MemoryFault(f"tensor {tensor.index}: bytes {tensor.offset}..{end} of an arena of {len(self.main)}")


def new_arena(main_bytes: int, fast_bytes: int) -> Arena:
    """An arena of zeros."""
    return Arena(np.zeros(main_bytes, np.uint8), np.zeros(fast_bytes, np.uint8))


def extent(tensors: Iterable[Tensor], limits: Limits) -> int:
    """The bytes that hold every tensor with a place; MemoryFault when they are more than the limit."""
    placed = [tensor for tensor in tensors if tensor.offset >= 0 and tensor.dtype in DTYPES.values()]
    size = max((tensor.offset + tensor.size_bytes for tensor in placed), default=0)
    if size > limits.memory_bytes:
        raise MemoryFault(f"tensors reach to byte {size} of the arena: expected at most {limits.memory_bytes}")
    return size


def check_size(tensor: Tensor, limits: Limits) -> None:
    """Refuses a tensor that no array could hold: ContainerError for its type, MemoryFault for bytes beyond the limit."""
    if tensor.size_bytes > limits.memory_bytes:
        raise MemoryFault(
            f"tensor {tensor.index} `{tensor.name}` of {tensor.size_bytes} bytes: expected at most {limits.memory_bytes}"
        )


def check_input(tensor: Tensor, values: Array) -> None:
    """InputError when values have another shape or dtype than the tensor."""
    if values.dtype != tensor.numpy_dtype or values.shape != tensor.shape:
        raise InputError(
            f"`{tensor.name}` is {values.dtype} {list(values.shape)}: expected {tensor.dtype} {list(tensor.shape)}"
        )


def bytes_of(tensor: Tensor, values: Array) -> Bytes:
    """The values as bytes; InputError when they are not the tensor's."""
    check_input(tensor, values)
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def tensor_of(tensor: Tensor, data: Bytes) -> Array:
    """A copy of the bytes as the tensor's values; ContainerError when they are not as many."""
    if len(data) != tensor.size_bytes:
        raise ContainerError(f"tensor {tensor.index} holds {len(data)} bytes: expected {tensor.size_bytes}")
    values: Array = data.copy().view(tensor.numpy_dtype).reshape(tensor.shape)
    return values
