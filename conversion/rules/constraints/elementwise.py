"""ADD and MUL, of two tensors and with constants. Source: constraints/__init__.py."""

from __future__ import annotations

from conversion.rules.constraints.tensors import shown
from conversion.rules.devices import Device
from conversion.rules.layer import EIGHT_BIT, Layer


def shape_stays(layer: Layer, device: Device) -> str:
    """The output has the shape of the input."""
    before, after = layer.inputs[0].shape, layer.outputs[0].shape
    return "" if before == after else f"output {shown(after)} of an input {shown(before)}: they have to be equal"


def shapes_equal(layer: Layer, device: Device) -> str:
    """Both inputs and the output have one shape: nothing is broadcast."""
    shapes = [tensor.shape for tensor in (*layer.inputs, *layer.outputs)]
    return "" if len(set(shapes)) == 1 else f"{', '.join(map(shown, shapes))}: nothing is broadcast"


def constant_per_channel(layer: Layer, device: Device) -> str:
    """The constant is 1x1x1xC, of eight bits, with one scale: it becomes the weights or the bias of a depthwise convolution."""
    source, constant = layer.inputs
    if constant.shape != (1, 1, 1, source.shape[3]):
        return f"constant {shown(constant.shape)} with {shown(source.shape)}: it has to be a scalar or one element per channel"
    ends = EIGHT_BIT.get(constant.dtype)
    if ends is None or not ends[0] <= constant.zero_point <= ends[1] or len(constant.scales) != 1:
        return f"{constant.dtype} constant with {len(constant.scales)} scales: it has to be int8 or uint8 with one"
    return ""


def product_is_renaming(layer: Layer, device: Device) -> str:
    """A product with a scalar leaves every stored number: same zero point, and the scale takes the factor.

    The output scale is the input's times the constant, within 0.004 (an absolute difference).
    """
    source, constant, output = layer.inputs[0], layer.inputs[1], layer.outputs[0]
    if constant.value is None:
        return "a scalar whose value is not known: the output's scale cannot be held against it"
    if source.zero_point != output.zero_point:
        return f"MUL by a scalar moves the zero point from {source.zero_point} to {output.zero_point}"
    expected = source.scale * constant.value
    if abs(expected - output.scale) <= device.limits.scalar_product_tolerance:
        return ""
    return (
        f"MUL by {constant.value:.6g} makes scale {expected:.6g}, the output has {output.scale:.6g}: "
        f"they may differ by {device.limits.scalar_product_tolerance:g}"
    )


def sum_is_renaming(layer: Layer, device: Device) -> str:
    """A sum with a scalar leaves every stored number: same scale (within 0.00001), and the zero point takes the summand."""
    source, output = layer.inputs[0], layer.outputs[0]
    if abs(source.scale - output.scale) <= device.limits.scalar_sum_tolerance:
        return ""
    return f"ADD of a scalar changes the scale from {source.scale:.6g} to {output.scale:.6g}: it has to stay"
