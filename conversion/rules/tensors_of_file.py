"""A file's tensors in the form of layers: four dimensions, and the values of small constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from conversion.rules.layer import LayerTensor
from core.tflite.nodes import Tensor
from core.tflite.reader import ModelReader

INTEGERS = frozenset({"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"})


class NotLowered(Exception):  # caught where operators are lowered, and becomes the operator's reason
    """Why an operator is no layer of the rule set."""


class FileTensors:
    """The tensors of one subgraph by index; without `leading` a short shape is filled up on the right only."""

    def __init__(self, reader: ModelReader, *, leading: bool = True) -> None:
        self._reader = reader
        self._leading = leading

    def __getitem__(self, index: int) -> Tensor:
        """The tensor as the file has it; NotLowered for an input that is absent."""
        if index < 0:
            raise NotLowered("an input is missing")
        return self._reader.tensors[index]

    def activation(self, index: int) -> LayerTensor:
        """The tensor in four dimensions."""
        shape = self[index].shape
        filled = (1,) * self.leading_dimensions(shape) + tuple(shape)
        return self.shaped(index, filled + (1,) * (4 - len(filled)))

    def leading_dimensions(self, shape: tuple[int, ...]) -> int:
        """How many dimensions of 1 a shape gets in front: one when it is short and its first would be taken for a batch."""
        return 1 if self._leading and len(shape) < 4 and shape[:1] > (1,) else 0

    def shaped(self, index: int, shape: tuple[int, ...], axis: int | None = None) -> LayerTensor:
        """The tensor with another shape; `axis` says where its scales then lie."""
        tensor = self[index]
        return LayerTensor(
            shape=shape,
            dtype=tensor.dtype,
            scales=tensor.scales,
            zero_point=_zero_point(tensor),
            axis=axis,
            constant=tensor.constant,
            value=self._value(tensor),
        )

    def numbers(self, index: int, what: str) -> tuple[int, ...]:
        """The integers of a constant; NotLowered when it is computed, naming `what` it should be."""
        tensor = self[index]
        if not tensor.constant or tensor.dtype not in INTEGERS:
            raise NotLowered(f"{what} `{tensor.name}` is no integer constant: the NPU needs it fixed")
        return tuple(int(number) for number in self._array(tensor))

    def _value(self, tensor: Tensor) -> float | None:
        """The real number in a constant of one element, None for all other tensors."""
        if not tensor.constant or tensor.elements != 1 or tensor.dtype not in INTEGERS or not tensor.scales:
            return None
        stored = self._array(tensor)
        return (int(stored[0]) - _zero_point(tensor)) * tensor.scales[0] if len(stored) == 1 else None

    def _array(self, tensor: Tensor) -> NDArray[Any]:
        content = self._reader.content(tensor)
        width = np.dtype(tensor.dtype).itemsize
        return np.frombuffer(content[: len(content) // width * width], np.dtype(tensor.dtype).newbyteorder("<"))


def _zero_point(tensor: Tensor) -> int:
    """The first zero point that is not 0, else 0: one that differs along an axis is none that a layer takes."""
    return next((zero_point for zero_point in tensor.zero_points if zero_point), 0)
