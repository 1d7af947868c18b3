"""Cycles of the MAC unit for a chunk of a block, and of the output unit for an element.

U55 and U65 (Vela's formula, `EstimateMacCyclesPerBlock`): with W x H the block's micro-blocks in a plane and D those in depth,
a depth-first chunk of 32 channels (16 of 16 bits) takes `max(32*u/8, 4*W*H) * D` for each kernel element (u: the micro-block's
depth), a part-kernel chunk the same for each 4 (2) elements and 8 channels, depthwise for each 4 elements; pooling
`max(4, elements) * W*H*D`. Depth is dealt to the cores. Every change of weights costs WEIGHT_STEP_CYCLES on top.

U85: 8 channels a cycle and micro-block: depth first `max(32*u/(8*decoders), W*H*ceil(channels/8)) * D` for each kernel
element, part kernel 2 cycles for 16 channels, elements rounded as the weight encoder does (5, 2 left over; sparse 10, 4);
depthwise, pooling and a chunk of REDUCE_SUM one cycle for each kernel element; 2:4 sparsity halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ethosu_simulator.operations import Convolution, Depthwise, Elementwise, Matmul, Pool, Resize
from ethosu_simulator.timing.hardware import ADDITION_CYCLES, DIVISION_CYCLES, MICROBLOCKS, Npu

if TYPE_CHECKING:
    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.operations import Computation, Windowed

Shape = tuple[int, int, int]


def ceil_div(value: int, step: int) -> int:
    """The quotient, rounded up."""
    return -(-value // step)


def is_deep(operation: Windowed) -> bool:
    """Whether the operation sums over input channels."""
    return isinstance(operation, (Convolution, Matmul)) or (isinstance(operation, Pool) and operation.mode == "REDUCE_SUM")


def is_part_kernel(operation: Windowed) -> bool:
    """Whether a convolution goes through its kernel first."""
    return isinstance(operation, Convolution) and operation.schedule.weight_order == "PART_KERNEL_FIRST"


def is_sparse(operation: Windowed) -> bool:
    """Whether a convolution's weights are 2:4 sparse."""
    return isinstance(operation, Convolution) and operation.weights.is_sparse


def ublock_of(operation: Computation, config: NpuConfig, npu: Npu) -> Shape:
    """The output micro-block; a U55 or U65 of 2 x 2 x 8 makes flat rows 1 x 4 x 8 (Vela: GetOfmMicroBlock)."""
    if config.product == "u85":
        height, width = MICROBLOCKS[operation.schedule.microblock or "U1X2"]
        return height, width, max(1, config.macs // 8 // (height * width))
    ublock = npu.ublocks[0]
    flat = isinstance(operation, Convolution) and operation.shape[0] == 1 and operation.window.kernel_y == 1
    return (1, 4, ublock[2]) if flat and ublock[0] == 2 and operation.shape[1] % 2 == 0 else ublock


def chunk_depth(operation: Windowed, config: NpuConfig) -> int:
    """Input channels that are loaded and summed at a time."""
    if config.product != "u85":
        return 16 if is_part_kernel(operation) or operation.ifm.bits >= 16 else 32
    return 128 if is_sparse(operation) and operation.ifm.bits == 8 and not is_part_kernel(operation) else 64


def mac_cycles(
    operation: Windowed, config: NpuConfig, npu: Npu, block: Shape, elements: int, channels: int, step: int
) -> float:
    """Cycles of one chunk, a block's part for so many kernel elements and channels; `step` for each change of weights."""
    uh, uw, ud = ublock_of(operation, config, npu)
    plane = ceil_div(block[0], uh) * ceil_div(block[1], uw)
    if config.product == "u85":
        return _u85(operation, npu, plane, ceil_div(block[2], ud), ud, elements, channels, step)
    cores = npu.cores
    pooled = isinstance(operation, Pool) and not is_deep(operation)
    deep = ceil_div(ceil_div(block[2], ud), cores) if pooled else ceil_div(ceil_div(block[2], cores), ud)
    return _u55(operation, plane, deep, ud, elements, channels, step)


def _u55(operation: Windowed, plane: int, deep: int, ud: int, elements: int, channels: int, step: int) -> float:
    bits, least = operation.ifm.bits, 4 * ud
    if isinstance(operation, Pool) and not is_deep(operation):
        return max(4, elements) * plane * deep * (bits // 8)
    if isinstance(operation, Depthwise):
        steps, groups, work = ceil_div(elements, 4), 1, 4 * plane * (bits // 8)
    elif is_part_kernel(operation):
        steps, groups, work = ceil_div(elements, 4 if bits == 8 else 2), ceil_div(channels, 8), 4 * plane
    else:
        steps, groups, work = elements, 1, 4 * plane
    return (max(least, work) + step) * steps * groups * deep


def _u85(operation: Windowed, npu: Npu, plane: int, deep: int, ud: int, elements: int, channels: int, step: int) -> float:
    wide = operation.ifm.bits // 8
    half = 2 if is_sparse(operation) else 1
    if isinstance(operation, Pool):
        steps = 0 if operation.mode == "NONE" else elements
        return steps * plane * deep * wide
    if isinstance(operation, Depthwise):
        return elements * plane * deep * wide
    if is_part_kernel(operation):
        group, least = (10, 4) if half == 2 or wide == 2 else (5, 2)
        rest = elements % group
        steps, bricks = elements - rest + (max(rest, least) if rest else 0), ceil_div(channels, 16)
        return (2 * steps * plane * wide / half + step * ceil_div(steps, group)) * bricks * deep
    weights = 32 * ud / (8 * npu.decoders)
    return (max(weights, ceil_div(channels, 8) * plane) * wide / half + step) * elements * deep


def output_cycles(operation: Computation, config: NpuConfig, npu: Npu) -> float:
    """Cycles of the output unit for one element (Vela: EstimateAOCyclesPerElement)."""
    if config.product == "u85":
        return _output_u85(operation, npu)
    rate = npu.output[_row_u55(operation)]
    if isinstance(operation, Elementwise) and operation.mode in ("ADD", "SUB"):
        rate = max(rate, ADDITION_CYCLES / npu.cores)
    table = operation.output is not None and operation.output.lookup is not None
    return max(rate, npu.activation[0]) if table else rate


def _row_u55(operation: Computation) -> int:
    """The row of Vela's table of U55 and U65."""
    if isinstance(operation, Elementwise):
        if operation.a.bits == 32:
            return 0 if operation.b is None else 1
        if operation.mode == "MUL":
            return 2 if operation.output.dtype.endswith("32") else 3
        return 5 if operation.mode in ("ADD", "SUB") else 7
    if operation.schedule.acc_format == "I40":
        return 3
    return 6 if isinstance(operation, Pool) and operation.mode == "MAX" else 7


def _output_u85(operation: Computation, npu: Npu) -> float:
    read = operation.operands[0].bits if operation.operands else 8
    if isinstance(operation, Resize):
        return npu.resize[0] if read == 8 else npu.resize[1]
    if isinstance(operation, Elementwise) and operation.mode == "DIV":
        return DIVISION_CYCLES
    written = 8 if operation.output is None else int("".join(c for c in operation.output.dtype if c.isdigit()))
    binary = isinstance(operation, Elementwise) and operation.b is not None
    row = _row_u85(read, written, binary=binary)
    turned = operation.output is not None and (operation.output.order[:2] != (0, 1) or operation.output.reverse == 1)
    return max(npu.output[row], npu.activation[1 if turned else 0])


def _row_u85(read: int, written: int, *, binary: bool) -> int:
    """The row of Vela's table of U85."""
    if written == 64:
        return 3
    if binary and read == 32:
        return 5 if written == 32 else 4
    return {32: 2, 16: 1}.get(written, 0)
