"""What holds for the tensors of every layer: type, batch, quantisation, depth. Source: constraints/__init__.py."""

from __future__ import annotations

from conversion.rules.devices import Device
from conversion.rules.layer import EIGHT_BIT, Layer, LayerTensor


def shown(shape: tuple[int, ...]) -> str:
    """A shape as "1x20x20x64"."""
    return "x".join(str(size) for size in shape)


def activations(layer: Layer) -> tuple[LayerTensor, ...]:
    """The layer's activations: operands, then outputs."""
    return (*layer.operands, *layer.outputs)


def eight_bit(layer: Layer, device: Device) -> str:
    """Every activation is int8 or uint8."""
    wrong = next((tensor for tensor in activations(layer) if tensor.dtype not in EIGHT_BIT), None)
    return f"{wrong.dtype} activation: the NPU computes in int8 and uint8" if wrong else ""


def one_type(layer: Layer, device: Device) -> str:
    """Every activation is of the same type."""
    types = sorted({tensor.dtype for tensor in activations(layer)})
    return f"activations of different types, {' and '.join(types)}" if len(types) > 1 else ""


def zero_points_in_type(layer: Layer, device: Device) -> str:
    """Every activation's zero point is a value of its type."""
    for tensor in activations(layer):
        low, high = EIGHT_BIT.get(tensor.dtype, (tensor.zero_point, tensor.zero_point))
        if not low <= tensor.zero_point <= high:
            return f"zero point {tensor.zero_point} is no {tensor.dtype} value"
    return ""


def one_scale(layer: Layer, device: Device) -> str:
    """Every activation has one scale."""
    wrong = next((tensor for tensor in activations(layer) if len(tensor.scales) != 1), None)
    return f"activation with {len(wrong.scales)} scales: it needs exactly one" if wrong else ""


def batch_of_one(layer: Layer, device: Device) -> str:
    """Every activation has batch 1."""
    wrong = next((tensor for tensor in activations(layer) if tensor.shape[0] != 1), None)
    return f"batch {wrong.shape[0]} ({shown(wrong.shape)}): the NPU takes 1" if wrong else ""


def inputs_fit_by_depth(layer: Layer, device: Device) -> str:
    """A brick of 8 x 8 through all channels of each input fits into the SRAM, unless its width is 1."""
    return _too_deep(layer.operands, device)


def outputs_fit_by_depth(layer: Layer, device: Device) -> str:
    """A brick of 8 x 8 through all channels of each output fits into the SRAM, unless its width is 1."""
    return _too_deep(layer.outputs, device)


def _too_deep(tensors: tuple[LayerTensor, ...], device: Device) -> str:
    for tensor in tensors:
        need = device.limits.depth_row_bytes * tensor.shape[3]
        if tensor.shape[2] != 1 and need > device.sram_bytes:
            return f"{tensor.shape[3]} channels of {shown(tensor.shape)} need {need} bytes of SRAM, it has {device.sram_bytes}"
    return ""
