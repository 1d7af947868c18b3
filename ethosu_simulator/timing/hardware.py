"""What the cycle model knows of each NPU, as rows of data: micro-blocks, rates, buffers, and the few measured constants.

Sources: "Vela" is ethos-u-vela 5.2.0 (`ethosu/regor/architecture/`, read as specification): micro-blocks and output rates from
the accelerator tables of `ethos_u55.cpp`, `ethos_u65.cpp`, `ethos_u85.cpp`; U85's read buffers from its `channelRBs` (16-byte
words). "measured" constants are no document's: docs/reference/timing.md lists them with the data that they rest on and with
what leaving any network out would have made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int, int, int]

SUBKERNEL = 8  # kernel rows and columns that one pass over an IFM block can take (Vela: s_SubkernelLimits)
DECOMPOSED = 4  # the same in decomposition D4X4
WEIGHT_STEP_CYCLES = 2  # measured: cycles to change weights for one micro-block depth and kernel step
CHUNK_CYCLES = 10  # measured: cycles before an IFM chunk that was loaded is used, and between chunks
OUTPUT_CYCLES = 100  # measured: cycles from the last accumulation of a block to the write of its first output
COMMAND_FETCHES = 2  # measured: read latencies of the memory with the stream that pass before the first command
KERNELS_IN_FLIGHT = 3  # Vela: MaxOutstandingKernels
SCALE_BYTES = 10  # per output channel
SCALE_GRANULE = 16  # bytes; scales are read in whole ones (exact on every published count)
BURST_BYTES = 64  # AXI_LIMIT of Arm's driver: max_beats 64 bytes; bursts do not cross a multiple of it
BRICK = 16  # channels of an NHCWB16 brick
SCALE_BUFFER = 256  # bytes of scales in flight (Vela: channelRBs, 16 words)
IFM_BUFFER = 2048  # bytes of IFM in flight ahead of the buffer they go to (timing facts: 2 KB and more)
IN_FLIGHT_USE = (
    0.64  # share of a read buffer that is on its way at a time (Vela: ChannelBW, 0.8 of transactions, 0.8 of bandwidth)
)
WEIGHT_BUFFER = 2048 * IN_FLIGHT_USE  # bytes of weights in flight for each decoder (Vela: channelRBs, 128 words)


@dataclass(frozen=True, kw_only=True)
class Npu:
    """One configuration. Rates are cycles per output element; `output` is indexed as Vela's table of its family."""

    bus_bytes: int
    cores: int
    decoders: int
    ublocks: tuple[Shape, ...]  # U55 and U65: one; U85: chosen by the stream
    output: tuple[float, ...]
    activation: tuple[float, ...]
    resize: tuple[float, float]  # 8-bit and wider
    dma_in_flight: int  # bytes of a memory-to-memory transfer in flight; 0: only the memory limits it
    transfers: int  # transfers that may be unfinished when the next begins (Vela: MaxOutstandingDma)


def _u55(ublock: Shape, output: tuple[float, ...], activation: tuple[float, ...]) -> Npu:
    return Npu(
        bus_bytes=8, cores=1, decoders=1, ublocks=(ublock,), output=output, activation=activation, resize=(0.0, 0.0),
        dma_in_flight=0, transfers=1,
    )  # fmt: skip


def _u65(cores: int, scale: float) -> Npu:
    output = tuple(value * scale for value in (0.625, 1.125, 0.5, 0.375, 0.5, 0.75, 0.125, 0.25))
    return Npu(
        bus_bytes=16, cores=cores, decoders=cores, ublocks=((2, 2, 8),), output=output,
        activation=(1.0 * scale, 0.25 * scale, 0.0), resize=(0.0, 0.0), dma_in_flight=0, transfers=2,
    )  # fmt: skip


def _u85(
    decoders: int, output: tuple[float, ...], activation: tuple[float, ...], resize: tuple[float, float], words: int
) -> Npu:
    return Npu(
        bus_bytes=16, cores=1, decoders=decoders, ublocks=(), output=output, activation=activation, resize=resize,
        dma_in_flight=int(16 * words * IN_FLIGHT_USE), transfers=2,
    )  # fmt: skip


NPUS: Mapping[tuple[str, int], Npu] = MappingProxyType(
    {
        ("u55", 32): _u55((1, 1, 4), (2.0, 3.0, 3.0, 3.0, 4.0, 6.0, 1.0, 2.0), (1.0, 1.0, 0.0)),
        ("u55", 64): _u55((1, 1, 8), (1.0, 1.5, 1.5, 1.5, 2.0, 3.0, 0.5, 1.0), (1.0, 1.0, 0.0)),
        ("u55", 128): _u55((1, 2, 8), (0.75, 1.25, 0.75, 0.75, 1.0, 1.5, 0.25, 0.5), (1.0, 0.5, 0.0)),
        ("u55", 256): _u55((2, 2, 8), (0.625, 1.125, 0.5, 0.375, 0.5, 0.75, 0.125, 0.25), (1.0, 0.25, 0.0)),
        ("u65", 256): _u65(1, 1.0),
        ("u65", 512): _u65(2, 0.5),
        ("u85", 128): _u85(1, (0.5, 0.5, 0.5, 1.0, 1.0, 1.0), (0.5, 1.0), (0.5, 1.0), 64),
        ("u85", 256): _u85(1, (0.25, 0.25, 0.25, 0.5, 0.5, 0.5), (0.25, 0.5), (0.25, 0.5), 104),
        ("u85", 512): _u85(2, (0.125, 0.125, 0.25, 0.5, 0.25, 0.25), (0.125, 0.25), (0.125, 0.25), 128),
        ("u85", 1024): _u85(4, (0.0625, 0.125, 0.25, 0.5, 0.125, 0.25), (0.0625, 0.125), (0.125, 0.125), 256),
        ("u85", 2048): _u85(4, (0.03125, 0.0625, 0.125, 0.25, 0.0625, 0.125), (0.03125, 0.0625), (0.0625, 0.0625), 256),
    }
)

MICROBLOCKS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"U1X1": (1, 1), "U1X2": (1, 2), "U1X4": (1, 4), "U2X2": (2, 2), "U2X4": (2, 4), "U4X4": (4, 4)}
)
ADDITION_CYCLES = 1.0  # per element of ADD and SUB on a core of U55 or U65, at least (timing facts; Vela has less)
DIVISION_CYCLES = 33.0  # per element of U85's DIV (Vela)
