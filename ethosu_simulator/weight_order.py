"""Weights in stream order -> int16 [output channel, kernel row, kernel column, input channel].

Source: the traversals in ethos-u-vela 5.2.0, `ethos_u55_weight_encoder.cpp` and `ethos_u85_weight_encoder.cpp`, read backwards:
each walk visits the kernel as the encoder does and takes the next weight from the stream; padding is taken and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError
from ethosu_simulator.jit import compiled, inlined

Weights = NDArray[np.int16]

DEPTH_FIRST, PART_KERNEL, DEPTHWISE = 0, 1, 2
RASTER, SNAKE = 0, 1  # U55 and U65, U85
INTERLEAVE = 4  # U85: output channels that stay together when several weight decoders share a block


@dataclass(frozen=True)
class Traversal:
    """How the encoder walked the kernel; kernel sizes are without dilation."""

    walk: int
    kind: int
    ofm_block_depth: int
    ifm_block_depth: int
    ofm_ublock_depth: int
    ifm_ublock_depth: int
    dilation_y: int
    dilation_x: int
    kernel_round: int
    stride_y: int = 1
    stride_x: int = 1
    padding_count: int = 0
    sparse: bool = False


@inlined
def _round_up(value: int, step: int) -> int:
    return (value + step - 1) // step * step


@compiled
def _unpack_u55(  # noqa: C901 - the nested walk of the format
    stream: Weights, out: Weights, kind: int, ofm_block: int, ifm_block: int, ofm_u: int, ifm_u: int, step_y: int, step_x: int,
    kernel_round: int,
) -> int:  # fmt: skip
    """The number of weights taken, or -1 when the stream is too short."""
    depth, height, width, inputs = out.shape
    at, end = 0, len(stream)
    part, single = kind == PART_KERNEL, kind == DEPTHWISE
    for block_o in range(0, depth, ofm_block):
        block_depth = min(ofm_block, depth - block_o)
        for block_i in range(0, 1 if single else inputs, ifm_block):
            clipped = ifm_u if single else (min(ifm_block, inputs - block_i) if part else ifm_block)
            for sub_y in range(0, height, step_y):
                sub_h = min(height - sub_y, step_y)
                for sub_x in range(0, width, step_x):
                    sub_w = min(width - sub_x, step_x)
                    elements = _round_up(sub_w * sub_h, kernel_round)
                    for outer in range(0, clipped if part else 1, ifm_u):
                        for u_o in range(0, block_depth, ofm_u):
                            for element in range(elements):
                                y, x = element // sub_w, element % sub_w
                                for inner in range(0, 1 if part else clipped, ifm_u):
                                    for z_o in range(ofm_u):
                                        for z_i in range(1 if single else ifm_u):
                                            if at >= end:
                                                return -1
                                            o, i = block_o + u_o + z_o, block_i + outer + inner + z_i
                                            if o < depth and i < inputs and y < sub_h:
                                                out[o, sub_y + y, sub_x + x, i] = stream[at]
                                            at += 1
    return at


@compiled
def _unpack_u85(  # noqa: C901 - the nested walk of the format
    stream: Weights, out: Weights, kind: int, ofm_block: int, ifm_block: int, ofm_u: int, ifm_u: int, step_y: int, step_x: int,
    kernel_round: int, stride_y: int, stride_x: int, padding_count: int, sparse: bool, index: int, streams: int,
) -> int:  # fmt: skip
    """The number of weights taken, or -1 when the stream is too short."""
    depth, height, width, inputs = out.shape
    at, end = 0, len(stream)
    single = kind == DEPTHWISE
    inner_step = 1 if single else (16 if sparse else 8)
    last_i, increment = 0, -ifm_block
    for block_o in range(0, depth, ofm_block):
        increment = -increment
        block_depth = min(ofm_block, depth - block_o)
        block_i = last_i
        while 0 <= block_i < (1 if single else inputs):
            last_i = block_i
            clipped = min(ifm_block, inputs - block_i)
            for sub_x in range(0, width, step_x):
                sub_w = min(width - sub_x, step_x)
                for sub_y in range(0, height, step_y):
                    sub_h = min(height - sub_y, step_y)
                    for outer in range(0, 1 if single else clipped, ifm_u):
                        for u_o in range(0, block_depth, ofm_u):
                            left = _round_up(sub_w * sub_h, kernel_round)
                            for phase_y in range(stride_y):
                                strided_h = (sub_h + stride_y - 1 - phase_y) // stride_y
                                for phase_x in range(stride_x):
                                    strided_w = (sub_w + stride_x - 1 - phase_x) // stride_x
                                    for y in range(strided_h):
                                        for step in range(strided_w):
                                            x = step if y % 2 == 0 else strided_w - 1 - step
                                            left -= 1
                                            for inner in range(0, ifm_u, inner_step):
                                                for z_o in range(index * INTERLEAVE, ofm_u, INTERLEAVE * streams):
                                                    for lane in range(INTERLEAVE):
                                                        for z_i in range(inner_step):
                                                            if at >= end:
                                                                return -1
                                                            o = block_o + u_o + lane + z_o
                                                            i = block_i + outer + inner + z_i
                                                            if o < depth and i < inputs:
                                                                row = sub_y + phase_y + y * stride_y
                                                                column = sub_x + phase_x + x * stride_x
                                                                out[o, row, column, i] = stream[at]
                                                            at += 1
                                            if single and left % kernel_round == 0:
                                                at += padding_count * ofm_u // streams
                            if left > 0:
                                at += (left + (padding_count if single else 0)) * ifm_u * ofm_u // streams
            block_i += increment
    return at if at <= end else -1


def unpack_u55(stream: Weights, shape: tuple[int, int, int, int], how: Traversal) -> Weights:
    """The kernel of one core, int16 [o, y, x, i] (i is 1 for depthwise); WeightStreamError when weights are missing."""
    out = np.zeros(shape, np.int16)
    taken = _unpack_u55(
        stream, out, how.kind, how.ofm_block_depth, how.ifm_block_depth, how.ofm_ublock_depth, how.ifm_ublock_depth,
        8 // how.dilation_y, 8 // how.dilation_x, how.kernel_round,
    )  # fmt: skip
    if taken < 0:
        raise WeightStreamError(f"weight stream runs dry: {len(stream)} weights do not fill a kernel of shape {shape}")
    return out


def unpack_u85(streams: list[Weights], shape: tuple[int, int, int, int], how: Traversal) -> Weights:
    """The kernel out of all weight decoders' streams, int16 [o, y, x, i]; WeightStreamError when weights are missing."""
    out = np.zeros(shape, np.int16)
    for index, stream in enumerate(streams):
        taken = _unpack_u85(
            stream, out, how.kind, how.ofm_block_depth, how.ifm_block_depth, how.ofm_ublock_depth, how.ifm_ublock_depth,
            8 // how.dilation_y, 8 // how.dilation_x, how.kernel_round, how.stride_y, how.stride_x, how.padding_count,
            how.sparse, index, len(streams),
        )  # fmt: skip
        if taken < 0:
            raise WeightStreamError(f"weight stream {index} runs dry: {len(stream)} weights for a kernel of shape {shape}")
    return out


def unpack(streams: list[Weights], shape: tuple[int, int, int, int], how: Traversal) -> Weights:
    """The kernel of one core."""
    return unpack_u55(streams[0], shape, how) if how.walk == RASTER else unpack_u85(streams, shape, how)
