"""Outputs of NPU commands -> whole tensors: commands write stripes and depth slices, operations write parts of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.records.layer_part import LayerPart, Shape

Array = NDArray[Any]
Command = tuple[int, int]


@dataclass
class _Cursor:
    """Where the next command of an operation writes: row and channel inside the operation's part of the tensor."""

    part: LayerPart
    row: int = 0
    channel: int = 0
    broken: bool = False

    def place(self, values: Array) -> tuple[Shape, Array] | None:
        """(first row, column and channel in the tensor, the values shaped for it); None when they do not fit the part."""
        height, width, depth = self.part.size
        if values.size == height * width * depth:
            values = values.reshape(height, width, depth)
        rows, columns, channels = values.shape
        if self.broken or columns != width or self.channel + channels > depth or self.row + rows > height:
            self.broken = True
            return None
        top, left, first = self.part.offset
        at = (top + self.row, left, first + self.channel)
        self.channel += channels
        if self.channel == depth:
            self.row, self.channel = self.row + rows, 0
        return at, values


@dataclass
class _Canvas:
    """A tensor that is being filled; `left` counts the elements that no command has written yet."""

    values: Array
    filled: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.filled = np.zeros(self.values.shape, np.bool_)

    def write(self, at: Shape, values: Array) -> None:
        """Put a part in its place."""
        where = tuple(slice(start, start + size) for start, size in zip(at, values.shape, strict=True))
        self.values[where] = values
        self.filled[where] = True


class Assembly:
    """Collects what commands write. `turned` names the tensors that are stored in another order than their own."""

    def __init__(self, parts: Sequence[LayerPart]) -> None:
        self._cursors = {
            command: cursor for part in parts if part.plain for cursor in [_Cursor(part)] for command in part.commands
        }
        self.turned = frozenset(part.name for part in parts if not part.plain)
        self._canvases: dict[tuple[str, Shape, str], _Canvas] = {}

    def take(self, command: Command, values: Array) -> None:
        """One command's output, [height, width, depth]; commands of no known operation are passed over."""
        cursor = self._cursors.get(command)
        placed = cursor.place(values) if cursor else None
        if cursor is None or placed is None:
            return
        part, (at, shaped) = cursor.part, placed
        fits = all(start + size <= side for start, size, side in zip(at, shaped.shape, part.full, strict=True))
        if fits:
            key = (part.name, part.full, str(values.dtype))
            self._canvases.setdefault(key, _Canvas(np.zeros(part.full, values.dtype))).write(at, shaped)

    def tensor(self, name: str, shape: tuple[int, ...], dtype: str) -> Array | None:
        """A whole tensor in its TFLite shape, or None when no set of commands wrote all of it."""
        for (own, full, kind), canvas in self._canvases.items():
            if own == name and kind == dtype and int(np.prod(full)) == int(np.prod(shape)) and canvas.filled.all():
                return canvas.values.reshape(shape)
        return None
