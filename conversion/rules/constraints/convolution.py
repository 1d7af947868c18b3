"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, FULLY_CONNECTED. Source: constraints/__init__.py.

Weights are HWIO, depthwise ones HWIM with one output channel per product of I and M.
"""

from __future__ import annotations

from conversion.rules.constraints.tensors import shown
from conversion.rules.devices import Device
from conversion.rules.layer import EIGHT_BIT, Layer


def kernel_known(layer: Layer, device: Device) -> str:
    """Height and width of the kernel are each one of the sizes that the hardware has."""
    height, width = layer.inputs[1].shape[:2]
    if height in device.limits.kernels and width in device.limits.kernels:
        return ""
    return f"kernel {height}x{width}: height and width have to be of {', '.join(map(str, device.limits.kernels))}"


def kernel_square(layer: Layer, device: Device) -> str:
    """The kernel is as wide as it is high."""
    height, width = layer.inputs[1].shape[:2]
    return "" if height == width else f"depthwise kernel {height}x{width}: it has to be square"


def stride_known(layer: Layer, device: Device) -> str:
    """Both strides are equal, and one that the hardware has."""
    assert layer.options.stride is not None
    down, across = layer.options.stride
    if down == across and down in device.limits.strides:
        return ""
    return f"stride {down}x{across}: both have to be equal and of {', '.join(map(str, device.limits.strides))}"


def stride_of_two(layer: Layer, device: Device) -> str:
    """Both strides of a transposed convolution are 2."""
    assert layer.options.stride is not None
    down, across = layer.options.stride
    return "" if (down, across) == (2, 2) else f"stride {down}x{across}: a transposed convolution has to have 2x2"


def strided_kernel_fits(layer: Layer, device: Device) -> str:
    """A kernel with a stride above 1 is at most 7 high and wide."""
    assert layer.options.stride is not None
    side = max(layer.inputs[1].shape[:2])
    if max(layer.options.stride) == 1 or side <= device.limits.strided_kernel_max:
        return ""
    return f"kernel of {side} at stride {max(layer.options.stride)}: at most {device.limits.strided_kernel_max}"


def point_without_stride(layer: Layer, device: Device) -> str:
    """A depthwise kernel of 1x1 has stride 1."""
    strided = layer.options.stride != (1, 1) and layer.inputs[1].shape[:2] == (1, 1)
    return "depthwise 1x1 with a stride: it has to be 1" if strided else ""


def padding_fits(layer: Layer, device: Device) -> str:
    """Each side is padded by at most 7; what SAME pads for a kernel that is taken never is more."""
    assert layer.options.padding is not None
    most = max(layer.options.padding)
    limit = device.limits.convolution_padding_max
    return f"padding of {most} on a side: at most {limit}" if most > limit else ""


def undilated(layer: Layer, device: Device) -> str:
    """The kernel is not dilated."""
    down, across = layer.options.dilation
    return "" if (down, across) == (1, 1) else f"dilation {down}x{across}: it has to be 1x1"


def weights_constant(layer: Layer, device: Device) -> str:
    """Weights and bias are constants, the weights of eight bits, with a zero point of their type."""
    _, weights, bias = layer.inputs
    if not weights.constant or not bias.constant:
        return "weights or bias are computed: they have to be constants"
    ends = EIGHT_BIT.get(weights.dtype)
    if ends is None or not ends[0] <= weights.zero_point <= ends[1]:
        return f"{weights.dtype} weights with zero point {weights.zero_point}: they have to be int8 or uint8"
    return ""


def channels_match(layer: Layer, device: Device) -> str:
    """The weights span the input's channels: no groups; the bias has one element per output channel."""
    channels, weights, bias = layer.inputs[0].shape[3], layer.inputs[1].shape, layer.inputs[2].shape
    if weights[2] != channels:
        return f"weights over {weights[2]} of {channels} channels: there are no grouped convolutions"
    if bias[-1] != output_channels(layer) or layer.outputs[0].shape[3] != output_channels(layer):
        found = f"bias {shown(bias)} and output {shown(layer.outputs[0].shape)}"
        return f"{found} for {output_channels(layer)} output channels"
    return ""


def one_map_per_channel(layer: Layer, device: Device) -> str:
    """A depthwise convolution makes one channel of each, or any number out of a single one."""
    _, _, channels, multiplier = layer.inputs[1].shape
    return "" if 1 in (channels, multiplier) else f"depthwise multiplier {multiplier} over {channels} channels: it has to be 1"


def scales_over_output_channels(layer: Layer, device: Device) -> str:
    """Weights and bias have one scale, or one per output channel."""
    _, weights, bias = layer.inputs
    if len(weights.scales) > 1 and (weights.axis != _output_axis(layer) or len(weights.scales) != output_channels(layer)):
        return f"{len(weights.scales)} scales of weights along dimension {weights.axis}: only output channels have their own"
    if not weights.scales or not bias.scales or len(bias.scales) not in (1, len(weights.scales)):
        return f"{len(bias.scales)} scales of the bias for {len(weights.scales)} of the weights"
    return ""


def bias_is_sum_of_products(layer: Layer, device: Device) -> str:
    """The bias is int32 with zero point 0, and its scale that of the products, within 1 %."""
    source, weights, bias = layer.inputs
    if bias.dtype != "int32" or bias.zero_point != 0:
        return f"{bias.dtype} bias with zero point {bias.zero_point}: it has to be int32 with 0"
    for number, scale in enumerate(bias.scales):
        product = source.scale * weights.scales[number]
        if abs(scale - product) > device.limits.bias_scale_tolerance * product:
            return f"bias scale {scale:.6g} where input x weights have {product:.6g}: they may differ by 1 %"
    return ""


def multiplier_in_range(layer: Layer, device: Device) -> str:
    """The largest input x weight scale is less than 65,536 times the output's."""
    largest = layer.inputs[0].scale * max(layer.inputs[1].scales) / layer.outputs[0].scale
    limit = device.limits.multiplier_below
    return f"input x weights / output scale is {largest:.6g}: it has to be below {limit}" if largest >= limit else ""


def output_size_follows(layer: Layer, device: Device) -> str:
    """The output is as high and wide as padded input, kernel and stride make it."""
    assert layer.options.padding is not None
    assert layer.options.stride is not None
    top, bottom, left, right = layer.options.padding
    sides = zip(
        layer.inputs[0].shape[1:3], layer.inputs[1].shape[:2], layer.options.stride, (top + bottom, left + right), strict=True
    )
    expected = tuple((size + padding - kernel) // stride + 1 for size, kernel, stride, padding in sides)
    found = layer.outputs[0].shape[1:3]
    return "" if found == expected else f"output {shown(found)} where padding and stride make {shown(expected)}"


def weights_of_one_scale(layer: Layer, device: Device) -> str:
    """The weights have one scale."""
    count = len(layer.inputs[1].scales)
    return "" if count == 1 else f"{count} scales of weights: a fully connected layer has to have one"


def output_channels(layer: Layer) -> int:
    """Output channels by the weights."""
    weights = layer.inputs[1].shape
    return weights[2] * weights[3] if layer.kind == "dw" else weights[3]


def _output_axis(layer: Layer) -> int:
    """The dimension of the weights that output channels lie along."""
    if layer.kind != "dw":
        return 3
    return 2 if layer.inputs[1].shape[3] == 1 else 3
