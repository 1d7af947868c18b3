"""A layer as a rule set is asked about it: tensors in four dimensions, and the options that decide."""

from __future__ import annotations

from dataclasses import dataclass, field

Four = tuple[int, int, int, int]
Two = tuple[int, int]

EIGHT_BIT = {"int8": (-128, 127), "uint8": (0, 255)}
"""Type of an activation -> its smallest and its largest value."""


WEIGHTED = frozenset({"conv", "dw", "transpose_conv", "fully_connected"})
"""Kinds whose second and third input are weights and bias."""


@dataclass(frozen=True, kw_only=True)
class LayerTensor:
    """A tensor of a layer.

    `shape` is NHWC for activations, HWIO for weights (HWIM for depthwise ones). `scales` has one entry, or one per slice of
    `axis`. `value` is the one number that a constant of a single element holds, None for all others.
    """

    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_point: int
    axis: int | None = None
    constant: bool = False
    value: float | None = None

    @property
    def scale(self) -> float:
        """The first scale; a tensor without quantisation has 0."""
        return self.scales[0] if self.scales else 0.0


@dataclass(frozen=True, kw_only=True)
class LayerOptions:
    """What a layer's operator is told, None where it is told nothing.

    `padding` is top, bottom, left, right; `stride` and `kernel` are vertical, horizontal; `bounds` are the lower and the upper
    end of a clamp, as values of the 8-bit type.
    """

    padding: Four | None = None
    stride: Two | None = None
    kernel: Two | None = None
    dilation: Two = (1, 1)
    axis: int | None = None
    permutation: tuple[int, ...] | None = None
    alpha: float | None = None
    bounds: Two | None = None
    mode: str | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One question to a rule set; `kind` is a key of the rule table ("conv"), whatever else it is refused by name."""

    kind: str
    inputs: tuple[LayerTensor, ...]
    outputs: tuple[LayerTensor, ...]
    options: LayerOptions = field(default_factory=LayerOptions)

    @property
    def operands(self) -> tuple[LayerTensor, ...]:
        """The inputs that are activations: all but weights and biases, and constants that ADD or MUL takes instead of them."""
        if self.kind in WEIGHTED:
            return self.inputs[:1]
        if self.kind in ("add", "mul"):
            return tuple(one for one in self.inputs if not one.constant or one.shape == self.inputs[0].shape)
        return self.inputs
