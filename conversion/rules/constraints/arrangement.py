"""Operators that move data: joining, splitting, reshaping, transposing, padding, resizing. Source: constraints/__init__.py."""

from __future__ import annotations

from math import prod

from conversion.rules.constraints.pooling import brick_bytes, up
from conversion.rules.constraints.tensors import shown
from conversion.rules.devices import Device
from conversion.rules.layer import Layer

IDENTITY = (0, 1, 2, 3)
TO_CHANNELS_FIRST, TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
ROWS_WITH_COLUMNS = (0, 2, 1, 3)


def axis_inside(layer: Layer, device: Device) -> str:
    """The axis is height, width or channels."""
    axis = layer.options.axis
    return "" if axis in (1, 2, 3) else f"axis {axis}: it has to be height, width or channels"


def sizes_cover_axis(layer: Layer, device: Device) -> str:
    """All tensors agree outside the axis, and along it the parts make up the whole."""
    axis = layer.options.axis
    assert axis is not None
    whole, parts = (layer.inputs[0], layer.outputs) if layer.kind == "split" else (layer.outputs[0], layer.inputs)
    for part in parts:
        other = [dimension for dimension in range(4) if dimension != axis and part.shape[dimension] != whole.shape[dimension]]
        if other:
            return f"part {shown(part.shape)} of {shown(whole.shape)}: they have to agree outside axis {axis}"
    total = sum(part.shape[axis] for part in parts)
    return "" if total == whole.shape[axis] else f"parts make up {total} of {whole.shape[axis]} along axis {axis}"


def same_elements(layer: Layer, device: Device) -> str:
    """Input and output have as many elements."""
    before, after = layer.inputs[0].shape, layer.outputs[0].shape
    return "" if prod(before) == prod(after) else f"{shown(before)} as {shown(after)}: other numbers of elements"


def batch_stays(layer: Layer, device: Device) -> str:
    """A transposition leaves the batch where it is, and permutes four dimensions."""
    permutation = layer.options.permutation or ()
    if sorted(permutation) == [0, 1, 2, 3] and permutation[0] == 0:
        return ""
    return f"permutation {','.join(map(str, permutation))}: of four dimensions, with the batch first"


def output_permuted(layer: Layer, device: Device) -> str:
    """The output's shape is the permuted input's."""
    shape = layer.inputs[0].shape
    expected = tuple(shape[dimension] for dimension in layer.options.permutation or ())
    found = layer.outputs[0].shape
    return "" if found == expected else f"output {shown(found)} where the permutation makes {shown(expected)}"


def transposition_fits(layer: Layer, device: Device) -> str:
    """What a transposition needs at once fits into the SRAM."""
    need = transposition_bytes(layer, device)
    return (
        f"transposing {shown(layer.inputs[0].shape)} needs {need} bytes of SRAM, it has {device.sram_bytes}"
        if need > device.sram_bytes
        else ""
    )


def transposition_bytes(layer: Layer, device: Device) -> int:
    """Bytes of SRAM that a transposition needs: nothing where nothing moves.

    To or from channels first the map is copied once. The others go through a 1x1 convolution with itself: input and output at
    once, its weights in stripes of one output channel per bank, and a buffer in each bank.
    """
    _, rows, columns, channels = layer.inputs[0].shape
    permutation = layer.options.permutation
    if permutation == IDENTITY:
        return 0
    if permutation in (TO_CHANNELS_FIRST, TO_CHANNELS_LAST):
        return brick_bytes(rows, columns, channels)
    moved = (rows, columns, channels) if permutation == ROWS_WITH_COLUMNS else (columns, channels, rows)
    return 2 * brick_bytes(*moved) + _weight_bytes(moved[2], device) + device.limits.transpose_reserved_bytes * device.banks


def _weight_bytes(channels: int, device: Device) -> int:
    banks = device.banks
    per_channel = up((8 + banks) * 9, 64) // 64 + device.limits.transpose_weight_bytes  # 9/8 bytes for each of 1 + banks/8
    return banks * up(up(channels, banks) // banks * per_channel, 16)


def sides_padded_little(layer: Layer, device: Device) -> str:
    """A PAD that stays an operator of its own adds at most 7 to each side."""
    assert layer.options.padding is not None
    most = max(layer.options.padding)
    return f"padding of {most} on a side: at most {device.limits.pad_max}" if most > device.limits.pad_max else ""


def only_map_padded(layer: Layer, device: Device) -> str:
    """The output is the input with the padding around height and width; batch and channels stay."""
    assert layer.options.padding is not None
    top, bottom, left, right = layer.options.padding
    batch, rows, columns, channels = layer.inputs[0].shape
    expected = (batch, rows + top + bottom, columns + left + right, channels)
    found = layer.outputs[0].shape
    return "" if found == expected else f"output {shown(found)} where padding the map makes {shown(expected)}"


def resized_by_two(layer: Layer, device: Device) -> str:
    """Height and width each become twice as large, or one less than that; channels stay."""
    before, after = layer.inputs[0].shape, layer.outputs[0].shape
    doubled = all(after[side] in (2 * before[side], 2 * before[side] - 1) for side in (1, 2))
    return (
        "" if doubled and before[3] == after[3] else f"{shown(before)} resized to {shown(after)}: each side becomes 2n or 2n-1"
    )


def block_of_two(layer: Layer, device: Device) -> str:
    """Channels become a block of 2 x 2."""
    batch, rows, columns, channels = layer.inputs[0].shape
    expected = (batch, 2 * rows, 2 * columns, channels // 4)
    return "" if layer.outputs[0].shape == expected else "block other than 2: only 2 x 2 is there"
