"""Which output of a detector is what, found from shapes alone.

Three layouts are known:

    raw     per scale a box map (64 channels: 4 sides x 16 bins) and a class map (one channel per class), NHWC or NCHW
    fused   one tensor (1, 4 + classes, anchors): boxes cx cy w h, then scores 0..1
    split   two tensors (1, 4, anchors) and (1, classes, anchors)

Decoded tensors may also have their channels last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.records.unavailable import Unavailable

BINS = 16
"""Bins of the distance distribution (reg_max); the same in every YOLOv8 to YOLO11 model."""
BOX_CHANNELS = 4 * BINS
STRIDES = (8, 16, 32)

Shape = tuple[int, ...]
BoxUnit = Literal["auto", "pixels", "normalised"]


@dataclass(frozen=True)
class Layout:
    """How to read the outputs of one model with a square input of `size` pixels.

    `order` are output positions: box map, class map of each scale (raw), boxes, scores (split), or the one tensor (fused).
    `channels_last` says whether channels are the last axis. `box_unit` concerns decoded boxes only; `auto` looks at the values.
    """

    kind: Literal["raw", "fused", "split"]
    size: int
    class_count: int
    order: tuple[int, ...]
    channels_last: bool
    box_unit: BoxUnit = "auto"


def find_layout(
    shapes: Sequence[Sequence[int]], class_count: int, size: int, box_unit: BoxUnit = "auto"
) -> Layout | Unavailable:
    """The layout that these output shapes have, or why they are not the outputs of a YOLO head.

    Outputs may come in any order, except that with 64 classes the box map is the first of the two maps of a scale.
    """
    exact = [tuple(int(side) for side in shape) for shape in shapes]
    for channels_last in (True, False):
        order = (
            _raw_order(exact, class_count, size, channels_last)
            or _fused_order(exact, class_count, size, channels_last)
            or _split_order(exact, class_count, size, channels_last)
        )
        if order:
            kind: Literal["raw", "fused", "split"] = "fused" if len(order) == 1 else "split" if len(order) == 2 else "raw"
            return Layout(kind, size, class_count, order, channels_last, box_unit)
    return Unavailable(_reason(exact, class_count, size))


def anchor_count(size: int) -> int:
    """Number of grid cells of all scales: 8400 at 640 px."""
    return sum((size // stride) ** 2 for stride in STRIDES)


def _raw_order(shapes: list[Shape], class_count: int, size: int, channels_last: bool) -> tuple[int, ...]:
    """Positions of box map and class map of each stride, or () when one is missing or one output is left over."""
    if len(shapes) != 2 * len(STRIDES):
        return ()
    order: list[int] = []
    for stride in STRIDES:
        grid = size // stride
        for channels in (BOX_CHANNELS, class_count):
            wanted = (1, grid, grid, channels) if channels_last else (1, channels, grid, grid)
            found = [i for i, shape in enumerate(shapes) if shape == wanted and i not in order]
            if not found:
                return ()
            order.append(found[0])
    return tuple(order)


def _fused_order(shapes: list[Shape], class_count: int, size: int, channels_last: bool) -> tuple[int, ...]:
    """The position of the one decoded tensor, or ()."""
    return (0,) if shapes == [_decoded(4 + class_count, size, channels_last)] else ()


def _split_order(shapes: list[Shape], class_count: int, size: int, channels_last: bool) -> tuple[int, ...]:
    """Positions of boxes and scores, or ()."""
    wanted = [_decoded(4, size, channels_last), _decoded(class_count, size, channels_last)]
    if shapes == wanted:
        return (0, 1)
    return (1, 0) if shapes == wanted[::-1] else ()


def _decoded(channels: int, size: int, channels_last: bool) -> Shape:
    """The shape of a decoded tensor."""
    return (1, anchor_count(size), channels) if channels_last else (1, channels, anchor_count(size))


def _reason(shapes: list[Shape], class_count: int, size: int) -> str:
    """What was found and what was looked for."""
    found = ", ".join("x".join(map(str, shape)) for shape in shapes) or "none"
    grids = "/".join(str(size // stride) for stride in STRIDES)
    return (
        f"the outputs ({found}) are no YOLO head for {class_count} classes at {size} px: neither three box maps of "
        f"{BOX_CHANNELS} and three class maps of {class_count} channels on grids of {grids}, nor "
        f"{4 + class_count} (or 4 and {class_count}) rows of {anchor_count(size)} anchors"
    )
