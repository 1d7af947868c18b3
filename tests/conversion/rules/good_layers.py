"""One layer of each kind that the NPU takes, and the small changes that lead over a rule's boundary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conversion.rules.devices import Device, load_rules
from conversion.rules.layer import Layer, LayerOptions, LayerTensor

DEVICE = load_rules("ethos-n78")
DEEPEST = 16384
"""Channels of a wide tensor that just fit into the 1 MiB of that variant: 64 bytes each."""


def tensor(*shape: int, **fields: Any) -> LayerTensor:
    """An int8 activation with scale 0.1 and zero point 0, but for `fields`."""
    return LayerTensor(**{"shape": shape, "dtype": "int8", "scales": (0.1,), "zero_point": 0, **fields})


def weights(*shape: int, **fields: Any) -> LayerTensor:
    """int8 weights with scale 0.01."""
    return tensor(*shape, **{"scales": (0.01,), "constant": True, **fields})


def bias(channels: int, **fields: Any) -> LayerTensor:
    """The int32 bias that belongs to those activations and weights."""
    return tensor(1, 1, 1, channels, **{"dtype": "int32", "scales": (0.001,), "constant": True, **fields})


def layer(kind: str, inputs: list[LayerTensor], outputs: list[LayerTensor], **options: Any) -> Layer:
    return Layer(kind=kind, inputs=tuple(inputs), outputs=tuple(outputs), options=LayerOptions(**options))


SQUARE = tensor(1, 16, 16, 32)

GOOD: dict[str, Layer] = {
    "conv": layer("conv", [SQUARE, weights(3, 3, 32, 8), bias(8)], [tensor(1, 16, 16, 8)], stride=(1, 1), padding=(1, 1, 1, 1)),
    "dw": layer("dw", [SQUARE, weights(3, 3, 32, 1), bias(32)], [SQUARE], stride=(1, 1), padding=(1, 1, 1, 1)),
    "transpose_conv": layer(
        "transpose_conv",
        [SQUARE, weights(2, 2, 32, 8), bias(8)],
        [tensor(1, 32, 32, 8)],
        stride=(2, 2),
        padding=(0, 0, 0, 0),
    ),
    "fully_connected": layer("fully_connected", [tensor(1, 1, 1, 32), weights(1, 1, 32, 8), bias(8)], [tensor(1, 1, 1, 8)]),
    "relu": layer("relu", [SQUARE], [SQUARE], bounds=(0, 127)),
    "leaky": layer("leaky", [SQUARE], [SQUARE], alpha=0.1),
    "sigmoid": layer("sigmoid", [SQUARE], [tensor(1, 16, 16, 32, scales=(1 / 256,), zero_point=-128)]),
    "tanh": layer("tanh", [SQUARE], [tensor(1, 16, 16, 32, scales=(1 / 128,))]),
    "requant": layer("requant", [SQUARE], [tensor(1, 16, 16, 32, scales=(0.2,), zero_point=3)]),
    "add": layer("add", [SQUARE, SQUARE], [SQUARE]),
    "mul": layer("mul", [SQUARE, SQUARE], [SQUARE]),
    "mul_by_channel": layer("mul", [SQUARE, weights(1, 1, 1, 32)], [SQUARE]),
    "add_by_channel": layer("add", [SQUARE, weights(1, 1, 1, 32)], [SQUARE]),
    "mul_by_scalar": layer("mul", [SQUARE, weights(1, 1, 1, 1, value=1.0)], [SQUARE]),
    "add_by_scalar": layer("add", [SQUARE, weights(1, 1, 1, 1, value=1.0)], [SQUARE]),
    "concat": layer("concat", [SQUARE, SQUARE], [tensor(1, 16, 16, 64)], axis=3),
    "split": layer("split", [SQUARE], [tensor(1, 16, 16, 15), tensor(1, 16, 16, 17)], axis=3),
    "reshape": layer("reshape", [SQUARE], [tensor(1, 256, 1, 32)]),
    "transpose": layer("transpose", [SQUARE], [SQUARE], permutation=(0, 1, 2, 3)),
    "pad": layer("pad", [SQUARE], [tensor(1, 19, 23, 32)], padding=(1, 2, 3, 4)),
    "pool": layer("pool", [SQUARE], [SQUARE], kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1), mode="max"),
    "average_pool": layer("pool", [SQUARE], [SQUARE], kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1), mode="average"),
    "mean": layer("mean", [tensor(1, 8, 8, 32)], [tensor(1, 1, 1, 32)]),
    "resize": layer("resize", [SQUARE], [tensor(1, 32, 31, 32)]),
    "depth_to_space": layer("depth_to_space", [SQUARE], [tensor(1, 32, 32, 8)]),
}
"""Row of the rule table -> a layer that it takes."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layer at a boundary; `refusal` is part of the reason, "" when the device takes it."""

    name: str
    layer: Layer
    refusal: str = ""
    device: Device = DEVICE


def changed(
    layer: Layer, *, inputs: dict[int, Any] | None = None, outputs: dict[int, Any] | None = None, **options: Any
) -> Layer:
    """The layer with some fields of some tensors, and some options, replaced."""
    return replace(
        layer,
        inputs=tuple(replace(one, **(inputs or {}).get(number, {})) for number, one in enumerate(layer.inputs)),
        outputs=tuple(replace(one, **(outputs or {}).get(number, {})) for number, one in enumerate(layer.outputs)),
        options=replace(layer.options, **options),
    )


def each_activation(layer: Layer, change: Callable[[LayerTensor], dict[str, Any]]) -> Layer:
    """The layer with every activation changed alike."""
    operands = [id(one) for one in layer.operands]
    return replace(
        layer,
        inputs=tuple(replace(one, **change(one)) if id(one) in operands else one for one in layer.inputs),
        outputs=tuple(replace(one, **change(one)) for one in layer.outputs),
    )


def reshaped(layer: Layer, inputs: Sequence[tuple[int, ...]], outputs: Sequence[tuple[int, ...]], **options: Any) -> Layer:
    """The layer with other shapes, in order of its tensors."""
    return changed(
        layer,
        inputs={number: {"shape": shape} for number, shape in enumerate(inputs)},
        outputs={number: {"shape": shape} for number, shape in enumerate(outputs)},
        **options,
    )
