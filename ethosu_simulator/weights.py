"""The weights and scales of one operation: bytes in memory -> a kernel ready to multiply, kept by content.

Scale record, 10 bytes per channel (source: `EncodeBias*` in Vela's weight encoders): U55/U65 bias 40 bits, scale 32, shift 6;
U85 bias 32, scale 31, shift 6, or with 48-bit accumulators bias 48, scale 15, shift 6.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError
from ethosu_simulator.fast_weight_stream import FWD_HEADER_BYTES, decode_fast
from ethosu_simulator.scaling import Scaling
from ethosu_simulator.weight_order import Traversal, unpack
from ethosu_simulator.weight_stream import MAX_WEIGHTS, decode_standard

if TYPE_CHECKING:
    from ethosu_simulator.memory import Memory
    from ethosu_simulator.operands import Range, ScaleRecord, Weights

Bytes = NDArray[np.uint8]

RECORD_BYTES = 10
CACHE_BYTES = 1 << 29


@dataclass(frozen=True)
class Kernel:
    """Weights int16 [o, y, x, i], their sums per output channel, and bias, scale and shift per output channel."""

    weights: NDArray[np.int16]
    sums: NDArray[np.int64]
    magnitude: int
    scaling: Scaling
    matrices: dict[str, NDArray[Any]]

    def matrix(self, dtype: str) -> NDArray[Any]:
        """The weights as a matrix [y*x*i, o] of a floating dtype."""
        if dtype not in self.matrices:
            self.matrices[dtype] = np.ascontiguousarray(self.weights.reshape(len(self.weights), -1).T.astype(dtype))
        return self.matrices[dtype]


class KernelCache:
    """Kernels that were decoded before, found by their bytes and traversal; bounded in size."""

    def __init__(self) -> None:
        self._kernels: OrderedDict[tuple[Any, ...], Kernel] = OrderedDict()
        self._bytes = 0

    def kernel(self, weights: Weights, memory: Memory) -> Kernel:
        """The kernel whose bytes lie where `weights` says."""
        streams, scales = ([_bytes(memory, place) for place in places] for places in (weights.streams, weights.scales))
        form = replace(weights, streams=(), scales=())
        key = (form, *(stream.tobytes() for stream in streams), *(scale.tobytes() for scale in scales))
        if key not in self._kernels:
            self._keep(key, _kernel(weights, streams, scales))
        self._kernels.move_to_end(key)
        return self._kernels[key]

    def _keep(self, key: tuple[Any, ...], kernel: Kernel) -> None:
        self._kernels[key] = kernel
        self._bytes += 8 * kernel.weights.size
        while self._bytes > CACHE_BYTES and len(self._kernels) > 1:
            self._bytes -= 8 * self._kernels.popitem(last=False)[1].weights.size


def _bytes(memory: Memory, place: Range) -> Bytes:
    return memory.bytes(place.region, place.start, place.length)


def _kernel(weights: Weights, streams: list[Bytes], scales: list[Bytes]) -> Kernel:
    """Streams and scale records, per core -> the kernel: core c has output channels c, c + cores, ..."""
    values = np.zeros(weights.shape, np.int16)
    records = np.zeros((weights.shape[0], RECORD_BYTES), np.uint8)
    share = len(streams) // weights.cores
    for core in range(weights.cores):
        channels = len(range(core, weights.shape[0], weights.cores))
        if not channels:
            continue
        parts = _decoded(weights, streams[core * share : (core + 1) * share])
        values[core :: weights.cores] = unpack(parts, (channels, *weights.shape[1:]), _own_traversal(weights, core))
        records[core :: weights.cores] = _take_records(scales[core], channels)
    return _finished(values, _scaling(records, weights.record))


def _own_traversal(weights: Weights, core: int) -> Traversal:
    """A core's blocks have only its own channels."""
    block = (weights.traversal.ofm_block_depth + weights.cores - 1 - core) // weights.cores
    return replace(weights.traversal, ofm_block_depth=max(1, block))


def _decoded(weights: Weights, streams: list[Bytes]) -> list[NDArray[np.int16]]:
    """The weights of each decoder in stream order."""
    if weights.format == "SWD":
        room = _room(weights.shape, weights.traversal)
        return [decode_standard(stream, room) for stream in streams]
    body = 8 * max(0, len(streams[0]) - FWD_HEADER_BYTES) // _fast_width(streams[0])
    return _deal(decode_fast(streams[0], body), weights.decoders, weights.traversal)


def _scaling(records: Bytes, form: ScaleRecord) -> Scaling:
    bias = _integers(records, 0, form.bias_bytes, signed=True)
    scale = _integers(records, form.bias_bytes, form.scale_bytes, signed=False) & ((1 << form.scale_bits) - 1)
    return Scaling(bias, scale, _integers(records, form.shift_at, 1, signed=False) & 63)


def _fast_width(stream: NDArray[np.uint8]) -> int:
    first = int(stream[0]) if len(stream) else 0
    return 8 if first & 1 else 2 if first & 2 else 4


def _deal(weights: NDArray[np.int16], decoders: int, how: Traversal) -> list[NDArray[np.int16]]:
    """The fast stream dealt back to its decoders, block by block."""
    if decoders == 1:
        return [weights]
    block = how.ofm_ublock_depth * how.ifm_ublock_depth * how.kernel_round // decoders
    rounds = len(weights) // (block * decoders)
    dealt = weights[: rounds * block * decoders].reshape(rounds, decoders, block)
    return [np.ascontiguousarray(dealt[:, index]).reshape(-1) for index in range(decoders)]


def _room(shape: tuple[int, int, int, int], how: Traversal) -> int:
    """An upper bound on the weights of a stream with its padding."""
    outputs, height, width, inputs = shape
    pieces = -(-height // (8 // how.dilation_y)) * -(-width // (8 // how.dilation_x))
    elements = height * width + pieces * (how.kernel_round + how.padding_count * 8 + how.kernel_round * how.padding_count)
    blocks = -(-outputs // how.ofm_block_depth)
    channels = outputs + (blocks + 1) * (how.ofm_ublock_depth + how.ofm_block_depth)
    return min(MAX_WEIGHTS, elements * channels * (inputs + 2 * max(how.ifm_block_depth, 32)) + 65536)


def _take_records(data: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    if len(data) < RECORD_BYTES * channels:
        raise WeightStreamError(f"{len(data)} bytes of scales: expected {RECORD_BYTES * channels} for {channels} channels")
    return data[: RECORD_BYTES * channels].reshape(channels, RECORD_BYTES)


def _integers(records: NDArray[np.uint8], start: int, size: int, *, signed: bool) -> NDArray[np.int64]:
    value = np.zeros(len(records), np.int64)
    for i in range(size):
        value |= records[:, start + i].astype(np.int64) << (8 * i)
    if signed:
        value -= (value >> (8 * size - 1)) << (8 * size)
    return value


def _finished(weights: NDArray[np.int16], scaling: Scaling) -> Kernel:
    flat = weights.reshape(len(weights), -1).astype(np.int64)
    magnitude = int(np.abs(flat).sum(axis=1).max(initial=0))
    return Kernel(weights=weights, sums=flat.sum(axis=1), magnitude=magnitude, scaling=scaling, matrices={})
