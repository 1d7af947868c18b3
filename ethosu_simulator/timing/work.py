"""An operation -> what it asks of each unit, block by block and chunk by chunk, as arrays.

OFM blocks go by rows, columns, then depth. For each, its input is read chunk by chunk (input channels outermost, then kernel
rows and columns in passes of at most 8 x 8, `D4X4`: 4 x 4), each a window clipped to the map; a block keeps the input of the
block before it when only depth differs, the kernel is one pass, and at most two chunks hold all of it. Weights are read anew
every block in the plane, 10 bytes of scales for every channel of every block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WorkLimitError
from ethosu_simulator.memory import FeatureMap
from ethosu_simulator.operations import Computation, Matmul, Pool, Windowed
from ethosu_simulator.timing.blocks import MAX_CHUNKS, Blocks, Span, blocks_of
from ethosu_simulator.timing.compute import ceil_div, chunk_depth, is_deep, mac_cycles, output_cycles
from ethosu_simulator.timing.constants import NOWHERE, scales_of, weights_of
from ethosu_simulator.timing.hardware import (
    DECOMPOSED,
    SUBKERNEL,
    WEIGHT_STEP_CYCLES,
    Npu,
)
from ethosu_simulator.timing.traffic import Access

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.operands import Operand

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an operation asks for. Regions are NOWHERE where a thing is read from no memory.

    Per block: `ofm` [block, beats and bursts], `output` cycles, `scales` [block, beats, bursts and bytes of one core], `first`
    (its first chunk; `block_of` is the way back). Per chunk: `ifm` and `ifm2` [chunk, beats and bursts], `mac` cycles,
    `bare_mac` the same without what a change of weights costs, `weights` bytes.
    """

    ofm_region: int
    ifm_region: int
    ifm2_region: int
    weight_region: int
    scale_region: int
    ofm: Floats
    output: Floats
    scales: Floats
    first: NDArray[np.int64]
    block_of: NDArray[np.int64]
    ifm: Floats
    ifm2: Floats
    mac: Floats
    bare_mac: Floats
    weights: Floats
    weight_beats: float
    weight_bursts: float


def work_of(operation: Computation, config: NpuConfig, npu: Npu) -> Work:
    """What the operation asks of each unit."""
    blocks = blocks_of(operation)
    parts = _windowed(operation, config, npu, blocks) if isinstance(operation, Windowed) else _streamed(operation, npu, blocks)
    rows, columns, depth = blocks.sizes()
    elements = (rows[:, None, None] * columns[None, :, None] * depth[None, None]).reshape(-1)
    region, ofm = _written(operation, npu, blocks)
    return Work(
        ofm_region=region,
        ofm=ofm,
        output=np.asarray(elements * output_cycles(operation, config, npu), np.float64),
        **scales_of(operation, npu, blocks),
        **parts,
    )


def _written(operation: Computation, npu: Npu, blocks: Blocks) -> tuple[int, Floats]:
    """(region, [block, beats and bursts]) of the OFM; of a turned one, as its blocks lie in memory."""
    output = operation.output
    if output is None or not isinstance(output.where, FeatureMap):
        return NOWHERE, np.zeros((blocks.count, 2))
    cuts = (blocks.rows, blocks.columns, blocks.depth)
    stored = [cuts[axis] for axis in output.order]
    access = Access(where=output.where, shape=output.stored(operation.shape), bus_bytes=npu.bus_bytes, write_cores=npu.cores)
    cost = access.cost(*stored)
    back = np.argsort(output.order)
    return output.where.region, _pairs(cost.beats.transpose(back), cost.bursts.transpose(back))


def _pairs(beats: NDArray[np.int64], bursts: NDArray[np.int64]) -> Floats:
    return np.stack([beats.reshape(-1), bursts.reshape(-1)], axis=1).astype(np.float64)


def _read(operand: Operand | None, npu: Npu, cuts: tuple[tuple[Span, ...], ...]) -> tuple[int, NDArray[np.int64] | None]:
    """(region, [2, row window, column window, channel range] beats and bursts) of an operand; broadcast axes are read once."""
    if operand is None or not isinstance(operand.where, FeatureMap):
        return NOWHERE, None
    cost = Access(where=operand.where, shape=operand.shape, bus_bytes=npu.bus_bytes).cost(*cuts)
    return operand.where.region, np.stack([cost.beats, cost.bursts])


def _streamed(operation: Computation, npu: Npu, blocks: Blocks) -> dict[str, Any]:
    """Elementwise and resize: one chunk for each block, from one or two operands."""
    found: list[tuple[int, Floats]] = []
    cuts = (blocks.rows, blocks.columns, blocks.depth)
    for operand in (*operation.operands, None, None)[:2]:
        shape = operand.shape if operand is not None else (1, 1, 1)
        windows = tuple(_scaled(cut, side, full) for cut, side, full in zip(cuts, shape, operation.shape, strict=True))
        region, cost = _read(operand, npu, windows)
        pairs = np.zeros((blocks.count, 2)) if cost is None else _pairs(cost[0], cost[1])
        found.append((region, pairs))
    none = np.zeros(blocks.count)
    return {
        "ifm_region": found[0][0], "ifm": found[0][1], "ifm2_region": found[1][0], "ifm2": found[1][1], "mac": none,
        "bare_mac": none, "weights": none, "first": np.arange(blocks.count + 1),
        "block_of": np.arange(blocks.count), "weight_region": NOWHERE, "weight_beats": 0.0,
        "weight_bursts": 0.0,
    }  # fmt: skip


def _scaled(cut: tuple[Span, ...], side: int, full: int) -> tuple[Span, ...]:
    """What is read of an axis of `side` elements for cuts of one of `full`: all of a broadcast, a share of a resize."""
    if side == full:
        return cut
    return tuple((start * side // full, max(start * side // full + 1, ceil_div(stop * side, full))) for start, stop in cut)


@dataclass(frozen=True)
class Passes:
    """The windows of an input for the passes of a kernel: along rows, along columns, along channels, and kernel elements."""

    rows: tuple[Span, ...]  # of block 0 pass 0, block 0 pass 1, ...
    columns: tuple[Span, ...]
    high: tuple[int, ...]  # kernel rows of each pass
    wide: tuple[int, ...]


def _axis(
    cut: tuple[Span, ...], kernel: int, stride: int, dilation: int, pad: int, side: int, step: int, up: int
) -> tuple[tuple[Span, ...], tuple[int, ...]]:
    """(windows of the input, kernel elements of each pass) along one axis."""
    passes = [(at, min(step, kernel - at)) for at in range(0, kernel, step)]
    windows = []
    for start, stop in cut:
        for at, size in passes:
            low = start * stride - pad + at * dilation
            high = (stop - 1) * stride - pad + (at + size - 1) * dilation + 1
            low, high = low // up, ceil_div(high, up)
            windows.append((min(max(0, low), side), max(0, min(side, high))))
    return tuple(windows), tuple(size for _, size in passes)


def _passes(operation: Windowed, blocks: Blocks) -> Passes:
    win = operation.window
    reach = DECOMPOSED if operation.schedule.decomposition == "D4X4" else SUBKERNEL
    up = 1 if win.upscale == "NONE" else 2
    height, width = win.ifm_height, win.ifm_width
    rows, high = _axis(
        blocks.rows, win.kernel_y, win.stride_y, win.dilation_y, win.top, height, max(1, reach // win.dilation_y), up
    )
    columns, wide = _axis(
        blocks.columns, win.kernel_x, win.stride_x, win.dilation_x, win.left, width, max(1, reach // win.dilation_x), up
    )
    return Passes(rows, columns, high, wide)


def _channels(operation: Windowed, config: NpuConfig, blocks: Blocks) -> tuple[Span, ...]:
    """The channel ranges that are read: chunks of the input, or the OFM blocks' own."""
    depth = operation.ifm.shape[2]
    if not is_deep(operation):
        return tuple((min(low, depth), min(high, depth)) for low, high in blocks.depth)
    step = chunk_depth(operation, config)
    return tuple((start, min(start + step, depth)) for start in range(0, depth, step))


def _windowed(operation: Windowed, config: NpuConfig, npu: Npu, blocks: Blocks) -> dict[str, Any]:
    """Convolutions and pools: chunks under a sliding window."""
    passes, ranges, deep = _passes(operation, blocks), _channels(operation, config, blocks), is_deep(operation)
    per_block = len(passes.high) * len(passes.wide) * (len(ranges) if deep else 1)
    if blocks.count * per_block > MAX_CHUNKS:
        raise WorkLimitError(f"{blocks.count * per_block} IFM chunks: expected at most {MAX_CHUNKS}", operation.address)
    source = None if isinstance(operation, Pool) and operation.mode == "NONE" else operation.ifm
    region, cost = _read(source, npu, (passes.rows, passes.columns, ranges))
    ifm = np.zeros((2, blocks.count, per_block)) if cost is None else _arranged(cost, blocks, passes, deep=deep)
    if deep and per_block <= 2 and len(passes.high) == len(passes.wide) == 1:
        kept = np.arange(blocks.count) % len(blocks.depth) > 0
        ifm[:, kept] = 0
    mac, bare = (_mac(operation, config, npu, blocks, passes, ranges, step) for step in (WEIGHT_STEP_CYCLES, 0))
    return {
        "ifm_region": region, "ifm": ifm.reshape(2, -1).T.copy(), "mac": mac.reshape(-1), "bare_mac": bare.reshape(-1),
        "first": np.arange(blocks.count + 1) * per_block,
        "block_of": np.repeat(np.arange(blocks.count), per_block), **_second(operation, npu, blocks, per_block),
        **weights_of(operation, npu, blocks, mac),
    }  # fmt: skip


def _arranged(cost: NDArray[np.int64], blocks: Blocks, passes: Passes, *, deep: bool) -> Floats:
    """[2, block, chunk] out of [2, row window, column window, channel range]; a deep block reads all channel ranges."""
    ny, nx, nz, sy, sx = len(blocks.rows), len(blocks.columns), len(blocks.depth), len(passes.high), len(passes.wide)
    split: NDArray[Any] = cost.reshape(2, ny, sy, nx, sx, -1)
    if deep:
        ordered = split.transpose(0, 1, 3, 5, 2, 4)[:, :, :, None]
        ordered = np.broadcast_to(ordered, (2, ny, nx, nz, *ordered.shape[4:]))
    else:
        ordered = split.transpose(0, 1, 3, 5, 2, 4)
    arranged: Floats = ordered.reshape(2, blocks.count, -1).astype(np.float64)
    return arranged


def _mac(
    operation: Windowed, config: NpuConfig, npu: Npu, blocks: Blocks, passes: Passes, ranges: tuple[Span, ...], step: int
) -> Floats:
    """MAC cycles [block, chunk]: cuts of equal size take equal time."""
    elements = [high * wide for high in passes.high for wide in passes.wide]
    groups = [high - low for low, high in ranges] if is_deep(operation) else [1]
    sizes = [(h1 - h0, w1 - w0, d1 - d0) for h0, h1 in blocks.rows for w0, w1 in blocks.columns for d0, d1 in blocks.depth]
    known: dict[tuple[int, int, int], list[float]] = {}
    for size in dict.fromkeys(sizes):
        once = {
            pair: mac_cycles(operation, config, npu, size, pair[1], pair[0], step)
            for pair in {(group, element) for group in groups for element in elements}
        }
        known[size] = [once[group, element] for group in groups for element in elements]
    return np.array([known[size] for size in sizes], np.float64)


def _second(operation: Windowed, npu: Npu, blocks: Blocks, per_block: int) -> dict[str, Any]:
    """What a matrix product reads as weights, or accumulators begin with: with each block's first chunk."""
    operand = operation.ifm2 if isinstance(operation, Matmul) else operation.accumulators.ifm2
    out = np.zeros((blocks.count, per_block, 2))
    if isinstance(operation, Matmul):
        region, cost = _read(operand, npu, ((((0, 1),)), blocks.depth, ((0, operation.ifm2.shape[2]),)))
        if cost is not None:
            each = cost[:, 0, :, 0].T
            out[:, 0] = np.broadcast_to(each, (blocks.count // len(each), *each.shape)).reshape(-1, 2)
    else:
        region, cost = _read(operand, npu, (blocks.rows, blocks.columns, blocks.depth))
        if cost is not None:
            out[:, 0] = _pairs(cost[0], cost[1])
    return {"ifm2_region": region, "ifm2": out.reshape(-1, 2)}
