"""Weights and scales of an operation -> bytes, beats and bursts for each chunk and block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.operations import Computation, Convolution, Depthwise, Windowed
from ethosu_simulator.timing.compute import ceil_div
from ethosu_simulator.timing.hardware import BURST_BYTES, SCALE_BYTES, SCALE_GRANULE, Npu
from ethosu_simulator.timing.traffic import touched

if TYPE_CHECKING:
    from ethosu_simulator.timing.blocks import Blocks

Floats = NDArray[np.float64]
NOWHERE = -1


def weights_of(operation: Windowed, npu: Npu, blocks: Blocks, mac: Floats) -> dict[str, Any]:
    """Bytes of weights for each chunk: a block's share by its channels, a chunk's by its MAC cycles."""
    if not isinstance(operation, (Convolution, Depthwise)):
        none = np.zeros(mac.size)
        return {"weights": none, "weight_region": NOWHERE, "weight_beats": 0.0, "weight_bursts": 0.0}
    streams = operation.weights.streams
    total = sum(stream.length for stream in streams)
    depth = np.array([high - low for low, high in blocks.depth], np.float64) / operation.shape[2]
    share = np.tile(depth, blocks.count // len(depth))[:, None] * mac / np.maximum(mac.sum(axis=1), 1)[:, None]
    beats = sum(ceil_div(stream.length, npu.bus_bytes) for stream in streams)
    return {
        "weights": (total * share).reshape(-1),
        "weight_region": streams[0].region if streams else NOWHERE,
        "weight_beats": beats / max(1, total),
        "weight_bursts": 1 / BURST_BYTES,
    }


def scales_of(operation: Computation, npu: Npu, blocks: Blocks) -> dict[str, Any]:
    """[block, beats, bursts and bytes of one core] of bias and scale records."""
    if not isinstance(operation, (Convolution, Depthwise)):
        return {"scale_region": NOWHERE, "scales": np.zeros((blocks.count, 3))}
    ranges, total = operation.weights.scales, np.zeros((len(blocks.depth), 3))
    low, high = (np.array([cut[end] for cut in blocks.depth], np.int64) for end in (0, 1))
    cores = len(ranges)
    for core, place in enumerate(ranges):
        first, last = -((core - low) // cores), -((core - high) // cores)
        start, length = place.start + SCALE_BYTES * first, SCALE_BYTES * (last - first)
        has = length > 0
        total[:, 0] += touched(start, np.maximum(length, 1), SCALE_GRANULE) * has * (SCALE_GRANULE / npu.bus_bytes)
        total[:, 1] += touched(start, np.maximum(length, 1), BURST_BYTES) * has
        total[:, 2] = np.maximum(total[:, 2], length)
    return {
        "scale_region": ranges[0].region if ranges else NOWHERE,
        "scales": np.tile(total, (blocks.count // len(total), 1)),
    }
