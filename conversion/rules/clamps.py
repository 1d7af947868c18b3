"""Activations that cut values off: their bounds, as values of an 8-bit type."""

from __future__ import annotations

from conversion.rules.layer import EIGHT_BIT, LayerTensor, Two

CLAMPS: dict[str, tuple[float | None, float | None]] = {
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
"""Activation -> its bounds as real numbers, None for the type's own."""


def clamp_bounds(activation: str, tensor: LayerTensor) -> Two:
    """The bounds of an activation as values of the tensor's type."""
    low, high = EIGHT_BIT.get(tensor.dtype, (0, 0))
    lower, upper = (_stored(end, tensor) for end in CLAMPS[activation])
    return max(low, min(low if lower is None else lower, high)), max(low, min(high if upper is None else upper, high))


def _stored(end: float | None, tensor: LayerTensor) -> int | None:
    """A real number as a value of the tensor's type, not yet held inside its range."""
    return None if end is None or not tensor.scale > 0 else round(end / tensor.scale) + tensor.zero_point
