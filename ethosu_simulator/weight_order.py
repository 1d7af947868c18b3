"""Weights in stream order -> int16 [output channel, kernel row, kernel column, input channel].

Source: the traversals in ethos-u-vela 5.2.0, `ethos_u55_weight_encoder.cpp` and `ethos_u85_weight_encoder.cpp`, read backwards.
An encoder walks the kernel in nested loops, which have a function each here, outermost first:

| level | RASTER (U55, U65) | SNAKE (U85) |
|---|---|---|
| blocks of output channels | in turn | in turn |
| blocks of input channels | in turn | there and back again, from one block of output channels to the next |
| parts of the kernel, at most 8 x 8 with dilation | row by row | column by column |
| micro-blocks of input and output channels | in turn | in turn |
| one micro-block: places of the part | row by row | by phase of the stride, every other row backwards |
| one place: its channels | output, input | input groups, output channels of one weight decoder in fours, input |

What they give is an array of places in the kernel, one for each weight of a stream, PADDING for weights that only fill up.
It depends on shape and traversal alone, so that it is made once for all kernels of a kind; a kernel is then one indexed store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError

if TYPE_CHECKING:
    from collections.abc import Sequence

Weights = NDArray[np.int16]
Longs = NDArray[np.int64]
Order = NDArray[np.int32]
KernelShape = tuple[int, int, int, int]

DEPTH_FIRST, PART_KERNEL, DEPTHWISE = "DEPTH_FIRST", "PART_KERNEL_FIRST", "DEPTHWISE"
RASTER, SNAKE = "RASTER", "SNAKE"
PADDING = -1
INTERLEAVE = 4  # SNAKE: output channels that stay together when several weight decoders share a block
PART_SIDE = 8  # of a part of the kernel, dilation counted in
KEPT_WEIGHTS = 1 << 20  # orders of larger kernels are made anew each time


@dataclass(frozen=True, kw_only=True)
class Traversal:
    """How the encoder walked the kernel; kernel sizes are without dilation."""

    walk: str
    kind: str
    ofm_block_depth: int
    ifm_block_depth: int
    ofm_ublock_depth: int
    ifm_ublock_depth: int
    dilation_y: int
    dilation_x: int
    kernel_round: int  # places of a part come in multiples of this
    stride_y: int = 1
    stride_x: int = 1
    padding_count: int = 0  # SNAKE, depthwise: places of padding after each full round
    sparse: bool = False


@dataclass(frozen=True)
class Decoder:
    """One of several weight decoders that share a SNAKE's blocks, each with a stream of its own."""

    index: int = 0
    count: int = 1


@dataclass(frozen=True)
class Part:
    """A part of the kernel: `width` columns from `x` on, `height` rows from `y` on."""

    y: int
    x: int
    height: int
    width: int


@dataclass(frozen=True)
class MicroBlock:
    """What one micro-block takes from the stream: for each weight, its channels from the micro-block's first on and its place.

    A place is (row, column) of the part; rows are PADDING for weights that only fill up.
    """

    outputs: Longs
    rows: Longs
    columns: Longs
    inputs: Longs


def unpack(streams: Sequence[Weights], shape: KernelShape, how: Traversal) -> Weights:
    """The kernel out of all weight decoders' streams, int16 [o, y, x, i]; WeightStreamError when weights are missing."""
    flat = np.zeros(math.prod(shape) + 1, np.int16)  # the last place takes the padding
    for index, stream in enumerate(streams):
        order = stream_order(shape, how, Decoder(index, len(streams)))
        if len(order) > len(stream):
            raise WeightStreamError(f"weight stream {index} runs dry: {len(stream)} weights for a kernel of shape {shape}")
        flat[order] = stream[: len(order)]
    return flat[:-1].reshape(shape)


def stream_order(shape: KernelShape, how: Traversal, decoder: Decoder) -> Order:
    """The place in a flattened kernel [o, y, x, i] of each weight of a stream, or PADDING."""
    return _kept_order(shape, how, decoder) if math.prod(shape) <= KEPT_WEIGHTS else _order(shape, how, decoder)


@lru_cache(maxsize=32)
def _kept_order(shape: KernelShape, how: Traversal, decoder: Decoder) -> Order:
    order = _order(shape, how, decoder)
    order.flags.writeable = False
    return order


def _order(shape: KernelShape, how: Traversal, decoder: Decoder) -> Order:
    micro_blocks = cache(lambda height, width, inputs: _MICRO_BLOCKS[how.walk](height, width, inputs, how, decoder))
    pieces = [
        _laid(shape, how, outputs, inputs, part, micro_blocks(part.height, part.width, len(inputs)))
        for outputs, inputs in _blocks(shape, how)
        for part in _parts(shape, how)
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int32)


def _blocks(shape: KernelShape, how: Traversal) -> Iterator[tuple[range, range]]:
    """Blocks of output channels, and for each of them all blocks of input channels."""
    backwards = False
    for first in range(0, shape[0], how.ofm_block_depth):
        inputs = list(_input_blocks(shape[3], how))
        for block in reversed(inputs) if backwards else inputs:
            yield range(first, min(first + how.ofm_block_depth, shape[0])), block
        backwards = how.walk == SNAKE and not backwards


def _input_blocks(inputs: int, how: Traversal) -> Iterator[range]:
    """Blocks of input channels; RASTER fills up the last one where whole blocks are innermost."""
    if how.kind == DEPTHWISE:
        yield range(1)
        return
    filled_up = how.walk == RASTER and how.kind == DEPTH_FIRST
    for first in range(0, inputs, how.ifm_block_depth):
        yield range(first, first + how.ifm_block_depth if filled_up else min(first + how.ifm_block_depth, inputs))


def _parts(shape: KernelShape, how: Traversal) -> Iterator[Part]:
    """Parts of the kernel that the input buffer can hold."""
    _outputs, height, width, _inputs = shape
    step_y, step_x = PART_SIDE // how.dilation_y, PART_SIDE // how.dilation_x
    ys, xs = range(0, height, step_y), range(0, width, step_x)
    for y, x in ((y, x) for y in ys for x in xs) if how.walk == RASTER else ((y, x) for x in xs for y in ys):
        yield Part(y, x, min(height - y, step_y), min(width - x, step_x))


def _laid(shape: KernelShape, how: Traversal, outputs: range, inputs: range, part: Part, micro: MicroBlock) -> Order:
    """The order of one block and part: its micro-blocks of input channels, and in each those of output channels."""
    depth, height, width, input_depth = shape
    input_starts, output_starts = _micro_block_starts(inputs, how), np.arange(0, len(outputs), how.ofm_ublock_depth)
    o = outputs.start + output_starts[:, None] + micro.outputs
    i = inputs.start + input_starts[:, None, None] + micro.inputs
    places = ((o * height + part.y + micro.rows) * width + part.x + micro.columns) * input_depth + i
    exists = (o < depth) & (i < input_depth) & (micro.rows != PADDING)
    return np.where(exists, places, PADDING).astype(np.int32).reshape(-1)


def _micro_block_starts(inputs: range, how: Traversal) -> Longs:
    """Where micro-blocks of input channels begin; one where a micro-block has all of them."""
    whole = how.kind == DEPTHWISE or (how.walk == RASTER and how.kind == DEPTH_FIRST)
    return np.arange(0, 1 if whole else len(inputs), how.ifm_ublock_depth)


def _raster_micro_block(height: int, width: int, inputs: int, how: Traversal, _decoder: Decoder) -> MicroBlock:
    """Places row by row, filled up; at each place output channels, and for each of them input channels."""
    places = np.arange(_round_up(height * width, how.kernel_round))
    rows = np.where(places < height * width, places // width, PADDING)
    groups = np.arange(0, inputs if how.kind == DEPTH_FIRST else 1, how.ifm_ublock_depth)
    lanes = np.arange(1 if how.kind == DEPTHWISE else how.ifm_ublock_depth)
    return _spread(rows, places % width, groups, np.arange(how.ofm_ublock_depth), lanes)


def _snake_micro_block(height: int, width: int, _inputs: int, how: Traversal, decoder: Decoder) -> MicroBlock:
    """Places by phase of the stride; at each place groups of input channels, this decoder's output channels, input channels."""
    single, rows, columns = how.kind == DEPTHWISE, *_snake(height, width, how.stride_y, how.stride_x)
    step = 1 if single else 16 if how.sparse else 8
    fours = np.arange(decoder.index * INTERLEAVE, how.ofm_ublock_depth, INTERLEAVE * decoder.count)
    outputs = (fours[:, None] + np.arange(INTERLEAVE)).reshape(-1)
    groups = np.arange(0, how.ifm_ublock_depth, step)
    full = _spread(rows, columns, groups, outputs, np.arange(step))
    return _filled_up(full, len(rows), how, decoder)


def _spread(rows: Longs, columns: Longs, groups: Longs, outputs: Longs, lanes: Longs) -> MicroBlock:
    """All combinations, the last varying fastest."""
    full = (len(rows), len(groups), len(outputs), len(lanes))
    place = (slice(None), None, None, None)
    inputs = groups[:, None, None] + lanes
    columns_ = (np.broadcast_to(values, full).reshape(-1) for values in (outputs[:, None], rows[place], columns[place], inputs))
    return MicroBlock(*columns_)


def _snake(height: int, width: int, stride_y: int, stride_x: int) -> tuple[Longs, Longs]:
    """Rows and columns of all places: those of one phase of the stride together, every other row of them backwards."""
    places = [
        (row, column)
        for phase_y in range(stride_y)
        for phase_x in range(stride_x)
        for number, row in enumerate(range(phase_y, height, stride_y))
        for column in (range(phase_x, width, stride_x) if number % 2 == 0 else reversed(range(phase_x, width, stride_x)))
    ]
    rows, columns = np.array(places, np.int64).reshape(-1, 2).T
    return rows, columns


def _filled_up(full: MicroBlock, places: int, how: Traversal, decoder: Decoder) -> MicroBlock:
    """With the padding after full rounds (depthwise) and at the end."""
    each = how.ofm_ublock_depth * how.ifm_ublock_depth
    left = _round_up(places, how.kernel_round) - places
    between = how.padding_count if how.kind == DEPTHWISE else 0
    if between == left == 0 or places == 0:
        return full
    size = len(full.rows) // places
    ends = np.array([place for place in range(1, places + 1) if (places + left - place) % how.kernel_round == 0], np.int64)
    at = np.repeat(ends * size, between * how.ofm_ublock_depth // decoder.count)
    last = (left + between) * each // decoder.count if left else 0
    at = np.concatenate([at, np.full(last, places * size)])
    values = (full.outputs, full.rows, full.columns, full.inputs)
    return MicroBlock(*(np.insert(column, at, fill) for column, fill in zip(values, (0, PADDING, 0, 0), strict=True)))


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


_MICRO_BLOCKS = {RASTER: _raster_micro_block, SNAKE: _snake_micro_block}
