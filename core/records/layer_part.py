"""Part of a tensor that one scheduled operation of Vela writes."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class LayerPart:
    """A scheduled operation: it writes `size` at `offset` of the tensor `name`, all (height, width, depth).

    `full` is the tensor's shape as Vela sees it, batch times height first. `commands` are its stream numbers (from 1) and
    byte offsets, in the order of the stream. `plain` is False when the hardware turns or spreads what it writes: then its
    output is not the tensor's element order.
    """

    name: str
    full: Shape
    offset: Shape
    size: Shape
    commands: tuple[tuple[int, int], ...]
    plain: bool
