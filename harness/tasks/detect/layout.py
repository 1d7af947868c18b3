"""Which output of a detector is what, found from shapes alone.

Five layouts are known:

    raw     per scale a box map (64 channels: 4 sides x 16 bins; 4 where sides are plain numbers, as in YOLO26) and a class map
            (one channel per class), NHWC or NCHW
    fused   one tensor (1, 4 + classes, anchors): boxes cx cy w h, then scores 0..1
    split   two tensors (1, 4, anchors) and (1, classes, anchors)
    ranked  one tensor (1, n, 6) of an end-to-end head: corners x1 y1 x2 y2, score, class, best first
    ssd     TFLite_Detection_PostProcess: boxes (1, n, 4) y1 x1 y2 x2 of 0..1, classes (1, n), scores (1, n), their count

Decoded tensors may also have their channels last. Boxes of the last two are final: nothing is suppressed any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.records.image_form import Sides
from core.records.unavailable import Unavailable

BINS = 16
"""Bins of the distance distribution (reg_max); the same in every YOLOv8 to YOLO11 model."""
PLAIN_BINS = 1
"""Of heads without a distribution: a box map holds the four distances themselves."""
BOX_CHANNELS = 4 * BINS
RANKED_COLUMNS = 6
SCALES = ((8, 16, 32), (4, 8, 16, 32), (16, 32), (8, 16, 32, 64))
"""The strides of ultralytics' detectors: plain, with P2, tiny, with P6."""

Shape = tuple[int, ...]
BoxUnit = Literal["auto", "pixels", "normalised"]
Kind = Literal["raw", "fused", "split", "ranked", "ssd"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How to read the outputs of one model with an input of `sides` (height, width) pixels.

    `order` are output positions: box map, class map of each scale (raw), boxes, scores (split), or the one tensor (fused).
    `channels_last` says whether channels are the last axis. `box_unit` concerns decoded boxes only; `auto` looks at the values.
    `end_to_end`: each object has one box, and nothing is suppressed.
    """

    kind: Kind
    sides: Sides
    strides: tuple[int, ...]
    class_count: int
    order: tuple[int, ...]
    channels_last: bool
    box_unit: BoxUnit = "auto"
    bins: int = BINS
    end_to_end: bool = False

    @property
    def grids(self) -> list[Sides]:
        """Rows and columns of the grid of each scale."""
        return grids(self.sides, self.strides)


def find_layout(
    shapes: Sequence[Sequence[int]],
    class_count: int,
    size: int | Sides,
    box_unit: BoxUnit = "auto",
    *,
    end_to_end: bool | None = None,
) -> Layout | Unavailable:
    """The layout that these output shapes have, or why they are not the outputs of a YOLO head.

    `size` is the input's height and width, one number for a square one. Outputs may come in any order, except that with as many
    classes as a box map has channels the box map is the first of the two maps of a scale. Whether raw maps are of an
    end-to-end head is in no shape: `end_to_end` says so; None takes it of heads without a distribution, which only YOLO26 has.
    """
    exact = [tuple(int(side) for side in shape) for shape in shapes]
    sides = (size, size) if isinstance(size, int) else size
    for strides in SCALES:
        for channels_last in (True, False):
            for bins in (BINS, PLAIN_BINS):
                head = _Head(class_count, grids(sides, strides), channels_last, bins)
                kind, order = head.order(exact)
                if order:
                    return Layout(
                        kind=kind, sides=sides, strides=strides, class_count=class_count, order=order,
                        channels_last=channels_last, box_unit=box_unit, bins=bins,
                        end_to_end=bins == PLAIN_BINS if end_to_end is None else end_to_end,
                    )  # fmt: skip
    final = _final_kind(exact, sides)
    if final:
        return Layout(
            kind=final, sides=sides, strides=(), class_count=class_count, order=tuple(range(len(exact))),
            channels_last=True, box_unit=box_unit, end_to_end=True,
        )  # fmt: skip
    return Unavailable(_reason(exact, class_count, sides))


def _final_kind(shapes: list[Shape], sides: Sides) -> Literal["ranked", "ssd", ""]:
    """Which kind of final detections outputs of these shapes are, "" for none.

    Six numbers for each anchor are the scores of two classes, not a ranking.
    """
    if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][0] == 1 and shapes[0][2] == RANKED_COLUMNS:
        return "" if shapes[0][1] in [anchor_count(sides, strides) for strides in SCALES] else "ranked"
    boxes = shapes[0][1] if shapes and len(shapes[0]) == 3 else 0
    return "ssd" if boxes and shapes == [(1, boxes, 4), (1, boxes), (1, boxes), (1,)] else ""


def grids(sides: Sides, strides: Sequence[int]) -> list[Sides]:
    """Rows and columns of the grid of each stride."""
    return [(sides[0] // stride, sides[1] // stride) for stride in strides]


def anchor_count(size: int | Sides, strides: Sequence[int] = SCALES[0]) -> int:
    """Number of grid cells of all scales: 8400 at 640 px."""
    return sum(rows * columns for rows, columns in grids((size, size) if isinstance(size, int) else size, strides))


@dataclass(frozen=True)
class _Head:
    """The output shapes that a head of these grids would have."""

    class_count: int
    grids: list[Sides]
    channels_last: bool
    bins: int

    def order(self, shapes: list[Shape]) -> tuple[Kind, tuple[int, ...]]:
        """The kind of head, and the positions of its outputs; () when the shapes are not its own."""
        if shapes == [self._decoded(4 + self.class_count)]:
            return "fused", (0,)
        split = [self._decoded(4), self._decoded(self.class_count)]
        if shapes in (split, split[::-1]):
            return "split", (0, 1) if shapes == split else (1, 0)
        return "raw", self._raw_order(shapes)

    def _raw_order(self, shapes: list[Shape]) -> tuple[int, ...]:
        """Positions of box map and class map of each stride, or () when one is missing or one output is left over."""
        if len(shapes) != 2 * len(self.grids):
            return ()
        order: list[int] = []
        for grid in self.grids:
            for channels in (4 * self.bins, self.class_count):
                wanted = (1, *grid, channels) if self.channels_last else (1, channels, *grid)
                found = [i for i, shape in enumerate(shapes) if shape == wanted and i not in order]
                if not found:
                    return ()
                order.append(found[0])
        return tuple(order)

    def _decoded(self, channels: int) -> Shape:
        """The shape of a decoded tensor."""
        anchors = sum(rows * columns for rows, columns in self.grids)
        return (1, anchors, channels) if self.channels_last else (1, channels, anchors)


def _reason(shapes: list[Shape], class_count: int, sides: Sides) -> str:
    """What was found and what was looked for."""
    found = ", ".join("x".join(map(str, shape)) for shape in shapes) or "none"
    size = sides[0] if sides[0] == sides[1] else f"{sides[0]}x{sides[1]}"
    plain = grids(sides, SCALES[0])
    said = "/".join(str(rows) if rows == columns else f"{rows}x{columns}" for rows, columns in plain)
    scales = " or ".join("/".join(map(str, strides)) for strides in SCALES[1:])
    return (
        f"the outputs ({found}) are no YOLO head for {class_count} classes at {size} px: neither three box maps of "
        f"{BOX_CHANNELS} and three class maps of {class_count} channels on grids of {said}, nor "
        f"{4 + class_count} (or 4 and {class_count}) rows of {anchor_count(sides)} anchors, nor the same for strides {scales}"
    )
