"""MAX_POOL_2D, AVERAGE_POOL_2D and MEAN: kernels, strides, paddings and sizes. Source: constraints/__init__.py."""

from __future__ import annotations

from conversion.rules.constraints.tensors import shown
from conversion.rules.devices import Device
from conversion.rules.layer import Four, Layer, Two

NONE: Four = (0, 0, 0, 0)
ONE_BEHIND: Four = (0, 1, 0, 1)


def pool_inside_input(layer: Layer, device: Device) -> str:
    """The kernel is at most as large as the input without its padding."""
    height, width = _kernel(layer)
    rows, columns = layer.inputs[0].shape[1:3]
    return "" if height <= rows and width <= columns else f"kernel {height}x{width} on a map of {rows}x{columns}: it has to fit"


def max_pool_known(layer: Layer, device: Device) -> str:
    """Stride 1 with VALID or SAME padding, or one of the kernels that the hardware has at stride 2."""
    assert layer.options.stride is not None
    if layer.options.stride == (1, 1):
        return _at_stride_1(layer, device)
    if layer.options.stride == (2, 2):
        return _at_stride_2(layer, device)
    return f"stride {shown(layer.options.stride)}: pooling has 1x1 and 2x2"


def _at_stride_1(layer: Layer, device: Device) -> str:
    height, width = _kernel(layer)
    padding = layer.options.padding
    limits = device.limits
    if padding == NONE and max(height, width) <= limits.pool_valid_kernel_max:
        return ""
    same = (*_same(height), *_same(width))
    if padding == same and max(height, width) <= limits.pool_same_kernel_max:
        return ""
    return (
        f"kernel {height}x{width} padded by {_listed(padding)}: at stride 1 at most {limits.pool_valid_kernel_max} "
        f"without padding, or {limits.pool_same_kernel_max} with SAME"
    )


def _at_stride_2(layer: Layer, device: Device) -> str:
    kernel, padding = _kernel(layer), layer.options.padding
    odd = {size % 2 for size in layer.inputs[0].shape[1:3]}
    if kernel == (1, 1) and padding == NONE:
        return ""
    # A 2x2 window tiles even sizes and a 3x3 one odd sizes; the hardware adds the missing row and column together or not.
    if kernel in ((2, 2), (3, 3)):
        tiled = {0} if kernel == (2, 2) else {1}
        if (padding == NONE and odd == tiled) or (padding == ONE_BEHIND and odd == {1 - next(iter(tiled))}):
            return ""
    rows, columns = layer.inputs[0].shape[1:3]
    return (
        f"kernel {shown(kernel)} padded by {_listed(padding)} on {rows}x{columns} at stride 2: there are 1x1, 2x2 and 3x3, "
        "without padding or one row and column behind, where both sizes need it"
    )


def max_pool_fits(layer: Layer, device: Device) -> str:
    """The map fits into the SRAM at stride 1, and is at most 417 wide at stride 2 with a kernel of 3x3."""
    rows, columns = layer.inputs[0].shape[1:3]
    if layer.options.stride == (1, 1):
        largest = (device.sram_bytes - device.limits.pool_reserved_bytes) // 2 // 128 // 8 * 8
        return f"map of {rows}x{columns}: height and width at most {largest}" if max(rows, columns) > largest else ""
    if _kernel(layer) == (3, 3) and columns > device.limits.pool_strided_width_max:
        return f"width {columns} with a kernel of 3x3 at stride 2: at most {device.limits.pool_strided_width_max}"
    return ""


def average_pool_known(layer: Layer, device: Device) -> str:
    """3x3 with stride 1 and SAME padding of a map that fits into the SRAM, or the mean of a whole map of 7x7 or 8x8.

    No answers to compare with: the size is that of the input in bricks of 8 x 8 x 16.
    """
    kernel, side = _kernel(layer), device.limits.average_kernel
    if kernel == layer.inputs[0].shape[1:3] and layer.options.padding == NONE:
        return mean_over_whole_map(layer, device)
    if kernel != (side, side) or layer.options.stride != (1, 1) or layer.options.padding != (1, 1, 1, 1):
        return f"average over {shown(kernel)}: there is {side}x{side} with stride 1 and padding 1, and the whole of 7x7 or 8x8"
    need = brick_bytes(*layer.inputs[0].shape[1:])
    return f"map needs {need} bytes of SRAM, it has {device.sram_bytes}" if need > device.sram_bytes else ""


def mean_over_whole_map(layer: Layer, device: Device) -> str:
    """The mean is taken over a map of 7x7 or 8x8."""
    rows, columns = layer.inputs[0].shape[1:3]
    known = rows == columns and rows in device.limits.mean_sides
    return "" if known and layer.outputs[0].shape[1:3] == (1, 1) else f"mean over {rows}x{columns}: there are 7x7 and 8x8"


def brick_bytes(rows: int, columns: int, channels: int) -> int:
    """Bytes that a map takes in the SRAM: height and width in steps of 8, channels in steps of 16."""
    return up(rows, 8) * up(columns, 8) * up(channels, 16)


def up(number: int, step: int) -> int:
    """The next multiple of `step` at or above the number."""
    return -(-number // step) * step


def _kernel(layer: Layer) -> Two:
    assert layer.options.kernel is not None
    return layer.options.kernel


def _same(kernel: int) -> Two:
    """What SAME pads before and behind at stride 1."""
    return (kernel - 1) // 2, kernel // 2


def _listed(padding: Four | None) -> str:
    assert padding is not None
    return ",".join(map(str, padding))
