"""What an output's quantisation has to be. Source: constraints/__init__.py."""

from __future__ import annotations

from conversion.rules.devices import Device
from conversion.rules.layer import Layer


def output_quantised_as_input(layer: Layer, device: Device) -> str:
    """Every output has the scale and the zero point of the input."""
    first = layer.inputs[0]
    for output in layer.outputs:
        if (output.scales, output.zero_point) != (first.scales, first.zero_point):
            return (
                f"output quantised with {output.scale:.6g}, {output.zero_point}, "
                f"input with {first.scale:.6g}, {first.zero_point}: they have to be the same"
            )
    return ""


def requantisation_in_range(layer: Layer, device: Device) -> str:
    """Each input's scale is less than 128 times the output's."""
    output = layer.outputs[0]
    for tensor in layer.inputs:
        if not tensor.scale / device.limits.requantisation_below / output.scale < 1:
            ratio = tensor.scale / output.scale
            return f"input scale is {ratio:.4g} times the output's: it has to be below {device.limits.requantisation_below}"
    return ""


def logistic_output(layer: Layer, device: Device) -> str:
    """The output covers 0 to 1 exactly: scale 1/256 and the lowest value as zero point."""
    return _fixed_output(layer, device.limits.logistic_scale, device.limits.logistic_zero_points)


def tanh_output(layer: Layer, device: Device) -> str:
    """The output covers -1 to 1 exactly: scale 1/128 and the middle as zero point."""
    return _fixed_output(layer, device.limits.tanh_scale, device.limits.tanh_zero_points)


def _fixed_output(layer: Layer, scale: float, zero_points: dict[str, int]) -> str:
    output = layer.outputs[0]
    zero_point = zero_points.get(output.dtype)
    if output.scale == scale and output.zero_point == zero_point:
        return ""
    return f"output quantised with {output.scale:.9g}, {output.zero_point}: it has to be {scale:.9g}, {zero_point}"


def clamp_in_order(layer: Layer, device: Device) -> str:
    """The lower bound of a clamp is not above the upper one."""
    assert layer.options.bounds is not None
    lower, upper = layer.options.bounds
    return f"clamp from {lower} to {upper}: nothing is left between" if lower > upper else ""


def leak_between_0_and_1(layer: Layer, device: Device) -> str:
    """The slope of the negative side is above 0 and below 1."""
    assert layer.options.alpha is not None
    return "" if 0 < layer.options.alpha < 1 else f"alpha {layer.options.alpha:.6g}: it has to lie between 0 and 1"
