"""The weights and scales of one operation: bytes in memory -> a kernel ready to multiply, kept by content.

Scale record, 10 bytes per channel (source: `EncodeBias*` in Vela's weight encoders): U55/U65 bias 40 bits, scale 32, shift 6;
U85 bias 32, scale 31, shift 6, or with 48-bit accumulators bias 48, scale 15, shift 6.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.errors import WeightStreamError
from ethosu_simulator.ops.output_stage import Scaling
from ethosu_simulator.weight_order import DEPTH_FIRST, DEPTHWISE, PART_KERNEL, Traversal, unpack_u55, unpack_u85
from ethosu_simulator.weight_stream import MAX_WEIGHTS, decode_fast, decode_standard

if TYPE_CHECKING:
    from ethosu_simulator.memory import Memory
    from ethosu_simulator.ops.window import Window
    from ethosu_simulator.register_file import RegisterFile

RECORD_BYTES = 10
CACHE_BYTES = 1 << 29
_U55_OFM_UBLOCK = {32: 4}  # depth of the output micro-block; 8 on every other U55 and U65
_MICROBLOCKS = {"U1X1": 1, "U1X2": 2, "U1X4": 4, "U2X2": 4, "U2X4": 8, "U4X4": 16}
_U85_STREAMS = {128: 1, 256: 1, 512: 2, 1024: 4, 2048: 4}


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

    def kernel(self, registers: RegisterFile, memory: Memory, win: Window, depthwise: bool) -> Kernel:
        """The kernel that the registers point to."""
        inputs = 1 if depthwise else registers.number("IFM_DEPTH_M1") + 1
        shape = (win.ofm[2], win.kernel_y, win.kernel_x, inputs)
        if np.prod(shape, dtype=object) > MAX_WEIGHTS:
            raise WeightStreamError(f"a kernel of shape {shape}: expected at most {MAX_WEIGHTS} weights")
        u85 = registers.config.product == "u85"
        how = (_traversal_u85 if u85 else _traversal_u55)(registers, win, depthwise)
        streams = (_streams_u85 if u85 else _streams_u55)(registers, memory)
        scales = [_records(registers, memory, "")] + ([] if u85 else _second_core(registers, memory))
        form = (registers.value("WEIGHT_FORMAT"), registers.choice("ACC_FORMAT", "acc_format")) if u85 else ()
        key = (shape, how, form, *(s.tobytes() for s in streams), *(s.tobytes() for s in scales))
        if key not in self._kernels:
            kernel = (_kernel_u85 if u85 else _kernel_u55)(registers, streams, scales, shape, how)
            self._keep(key, kernel)
        self._kernels.move_to_end(key)
        return self._kernels[key]

    def _keep(self, key: tuple[Any, ...], kernel: Kernel) -> None:
        self._kernels[key] = kernel
        self._bytes += 8 * kernel.weights.size
        while self._bytes > CACHE_BYTES and len(self._kernels) > 1:
            self._bytes -= 8 * self._kernels.popitem(last=False)[1].weights.size


def _records(registers: RegisterFile, memory: Memory, core: str) -> NDArray[np.uint8]:
    length = registers.number(f"SCALE{core}_LENGTH")
    return memory.bytes(registers.number("SCALE_REGION"), registers.number(f"SCALE{core}_BASE") if length else 0, length)


def _stream(registers: RegisterFile, memory: Memory, core: str) -> NDArray[np.uint8]:
    length = registers.number(f"WEIGHT{core}_LENGTH")
    return memory.bytes(registers.number("WEIGHT_REGION"), registers.number(f"WEIGHT{core}_BASE") if length else 0, length)


def _is_dual(registers: RegisterFile) -> bool:
    return registers.has("PARALLEL_MODE") and registers.choice("PARALLEL_MODE", "parallel_mode") == "DUAL_CORE_DEPTH"


def _second_core(registers: RegisterFile, memory: Memory) -> list[NDArray[np.uint8]]:
    return [_records(registers, memory, "1")] if _is_dual(registers) else []


def _streams_u55(registers: RegisterFile, memory: Memory) -> list[NDArray[np.uint8]]:
    return [_stream(registers, memory, core) for core in (("", "1") if _is_dual(registers) else ("",))]


def _streams_u85(registers: RegisterFile, memory: Memory) -> list[NDArray[np.uint8]]:
    fast = registers.choice("WEIGHT_FORMAT", "weight_format") == "FWD"
    count = 1 if fast else _U85_STREAMS[registers.config.macs]
    return [_stream(registers, memory, core) for core in ("", "1", "2", "3")[:count]]


def _traversal_u55(registers: RegisterFile, win: Window, depthwise: bool) -> Traversal:
    part = registers.choice("KERNEL_STRIDE", "weight_order") == "PART_KERNEL_FIRST"
    wide = registers.choice("IFM_PRECISION", "activation_precision") == "B16"
    kind = DEPTHWISE if depthwise else PART_KERNEL if part else DEPTH_FIRST
    return Traversal(
        kind=kind,
        ofm_block_depth=registers.number("OFM_BLK_DEPTH_M1") + 1,
        ifm_block_depth=16 if part or wide else 32,
        ofm_ublock_depth=_U55_OFM_UBLOCK.get(registers.config.macs, 8),
        ifm_ublock_depth=8,
        dilation_y=win.dilation_y,
        dilation_x=win.dilation_x,
        kernel_round={DEPTHWISE: 4, PART_KERNEL: 2 if wide else 4, DEPTH_FIRST: 1}[kind],
    )


def _traversal_u85(registers: RegisterFile, win: Window, depthwise: bool) -> Traversal:
    part = registers.choice("KERNEL_STRIDE", "weight_order") == "PART_KERNEL_FIRST"
    wide = registers.choice("IFM_PRECISION", "activation_precision") == "B16"
    sparse = registers.choice("WEIGHT_FORMAT", "weight_sparsity") == "SPARSE_2_4"
    macs = registers.config.macs
    ublock = macs // 8 // _MICROBLOCKS[registers.choice("ACC_FORMAT", "microblock")]
    if part:
        block = 16
    elif macs <= 256 and ublock == 16 and not sparse:
        block = 32
    else:
        block = 128 if sparse and not wide else 64
    kind = DEPTHWISE if depthwise else PART_KERNEL if part else DEPTH_FIRST
    return Traversal(
        kind=kind,
        ofm_block_depth=registers.number("OFM_BLK_DEPTH_M1") + 1,
        ifm_block_depth=block,
        ofm_ublock_depth=ublock,
        ifm_ublock_depth=1 if depthwise else 8 if part and wide and not sparse else block,
        dilation_y=win.dilation_y,
        dilation_x=win.dilation_x,
        kernel_round={DEPTHWISE: 10, PART_KERNEL: 10 if wide or sparse else 5, DEPTH_FIRST: 1}[kind],
        stride_y=1 if kind == DEPTH_FIRST else win.stride_y,
        stride_x=1 if kind == DEPTH_FIRST else win.stride_x,
        padding_count=0 if not wide and macs <= 256 else 2 if macs <= 512 else 6,
        sparse=sparse,
    )


def _kernel_u55(
    registers: RegisterFile, streams: list[NDArray[np.uint8]], scales: list[NDArray[np.uint8]],
    shape: tuple[int, int, int, int], how: Traversal,
) -> Kernel:  # fmt: skip
    cores = len(streams)
    weights = np.zeros(shape, np.int16)
    records = np.zeros((shape[0], RECORD_BYTES), np.uint8)
    for core, (stream, own_records) in enumerate(zip(streams, scales, strict=True)):
        channels = len(range(core, shape[0], cores))
        if not channels:
            continue
        block = (how.ofm_block_depth + cores - 1 - core) // cores
        own = Traversal(**{**vars(how), "ofm_block_depth": max(1, block)})
        decoded = decode_standard(stream, _room(shape, how))
        weights[core::cores] = unpack_u55(decoded, (channels, *shape[1:]), own)
        records[core::cores] = _take_records(own_records, channels)
    bias, scale = _integers(records, 0, 5, signed=True), _integers(records, 5, 4, signed=False)
    return _finished(weights, Scaling(bias, scale, _integers(records, 9, 1, signed=False) & 63))


def _kernel_u85(
    registers: RegisterFile, streams: list[NDArray[np.uint8]], scales: list[NDArray[np.uint8]],
    shape: tuple[int, int, int, int], how: Traversal,
) -> Kernel:  # fmt: skip
    fast = registers.choice("WEIGHT_FORMAT", "weight_format") == "FWD"
    decoders = _U85_STREAMS[registers.config.macs]
    if fast:
        body = 8 * max(0, len(streams[0]) - 32) // _fast_width(streams[0])
        parts = _deal(decode_fast(streams[0], body), decoders, how)
    else:
        parts = [decode_standard(stream, _room(shape, how)) for stream in streams]
    weights = unpack_u85(parts, shape, how)
    records = _take_records(scales[0], shape[0])
    if registers.choice("ACC_FORMAT", "acc_format") == "I48":
        bias, scale = _integers(records, 0, 6, signed=True), _integers(records, 6, 2, signed=False) & 0x7FFF
    else:
        bias, scale = _integers(records, 0, 4, signed=True), _integers(records, 4, 4, signed=False) & 0x7FFFFFFF
    return _finished(weights, Scaling(bias, scale, _integers(records, 8, 1, signed=False) & 63))


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
    return Kernel(weights, flat.sum(axis=1), magnitude, scaling, {})
