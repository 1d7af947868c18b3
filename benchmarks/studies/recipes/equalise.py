"""Channel equalisation: weak channels are amplified before they are rounded to int8.

One int8 tensor has one scale, so a channel whose values are small uses few of the 256 steps.
ReLU and LeakyReLU let a positive factor pass (f(r x) = r f(x)), as do padding, pooling, slicing,
concatenation and addition. So each channel is multiplied by r in the convolution that makes it and
divided by r in those that read it: the float network computes the same, the int8 one rounds less.
Weights have a scale per output channel, hence only the division costs some of their accuracy.
Channels that meet any other operator (SiLU, attention, the outputs) keep the factor 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.recipes.constants import FloatModel
from conversion.ranges import Extremes, Floats, same_scale_groups
from core.tflite.graph import Operator, TfliteGraph

_Ids = NDArray[np.int64]
_PASSING = frozenset({"LEAKY_RELU", "MAX_POOL_2D", "PAD", "RELU", "RESIZE_NEAREST_NEIGHBOR"})
_HOMOGENEOUS = frozenset({"", "RELU"})
"""Fused activations that let a positive factor pass."""


@dataclass(frozen=True)
class EqualiseRule:
    """How far weak channels are amplified.

    strength: 0 leaves them alone, 1 brings each to its tensor's full range; limit: largest factor; share_concat: as in the
    RangeRule that is used with it.
    """

    strength: float = 0.5
    limit: float = 8.0
    share_concat: bool = True


def equalise(
    model: FloatModel, seen: Mapping[int, Extremes], rule: EqualiseRule
) -> tuple[dict[int, Floats], dict[int, Extremes]]:
    """New convolution constants by tensor index, and the extremes of the network that has them."""
    ids, pinned = _channel_ids(model)
    factors = _factors(model.graph, seen, ids, pinned, rule)
    per_tensor = {t: factors[ids[t]] for t in ids}
    constants = {}
    for op in model.graph.operators:
        if _is_convolution(model, op):
            constants.update(_rescaled(model, op, per_tensor))
    return constants, {t: seen[t].scaled(per_tensor[t]) for t in seen}


def _rescaled(model: FloatModel, op: Operator, factors: Mapping[int, Floats]) -> dict[int, Floats]:
    """The weight (and bias) of a convolution whose channels in and out are multiplied by factors."""
    before, after = factors[op.inputs[0]], factors[op.outputs[0]]
    weight = model.constants[op.inputs[1]]
    if op.kind == "DEPTHWISE_CONV_2D":
        out = {op.inputs[1]: weight * (after / before)}
    else:
        groups = len(before) // weight.shape[3]
        source = before.reshape(groups, 1, -1).repeat(len(after) // groups, 1).reshape(len(after), 1, 1, -1)
        out = {op.inputs[1]: weight * after[:, None, None, None] / source}
    if len(op.inputs) > 2:
        out[op.inputs[2]] = model.constants[op.inputs[2]] * after
    return {t: value.astype(np.float32) for t, value in out.items()}


def _factors(
    graph: TfliteGraph, seen: Mapping[int, Extremes], ids: Mapping[int, _Ids], pinned: set[int], rule: EqualiseRule
) -> Floats:
    """The factor of every channel id (at least 1, and 1 where pinned)."""
    count = 1 + max(int(i.max()) for i in ids.values())
    room = np.full(count, np.inf)
    for group in same_scale_groups(graph, rule.share_concat):
        reach = {t: np.maximum(seen[t].high, -seen[t].low) for t in group}
        full = max(float(r.max()) for r in reach.values())
        for t in group:
            np.minimum.at(room, ids[t], full / np.maximum(reach[t], 1e-6 * full + 1e-12))
    factors: Floats = np.minimum(np.maximum(room, 1.0) ** rule.strength, rule.limit).astype(np.float32)
    factors[list(pinned)] = 1.0
    return factors


def _channel_ids(model: FloatModel) -> tuple[dict[int, _Ids], set[int]]:
    """A factor id for every channel of every activation, and the ids that must keep the factor 1."""
    book = _Book()
    for tensor in model.graph.inputs:
        book.fresh(tensor.index, tensor.shape[-1], pinned=True)
    for op in model.graph.operators:
        _number(model, op, book)
    for tensor in model.graph.outputs:
        book.pin(tensor.index)
    ids = {t: np.array([book.root(int(i)) for i in v]) for t, v in book.ids.items()}
    return ids, {book.root(i) for i in book.pinned}


def _number(model: FloatModel, op: Operator, book: _Book) -> None:
    """Number the channels of an operator's outputs by how they hang together with its inputs."""
    target, last = op.outputs[0], len(_shape(model, op.outputs[0])) - 1
    homogeneous = op.fused_activation in _HOMOGENEOUS
    readable = [t for t in op.inputs if t in book.ids]
    if _is_convolution(model, op):
        book.fresh(target, _shape(model, target)[-1], pinned=not homogeneous)
    elif op.kind in _PASSING:
        book.ids[target] = book.ids[op.inputs[0]]
    elif op.kind == "CONCATENATION" and op.options.get("axis") in (last, -1) and len(readable) == len(op.inputs):
        book.ids[target] = np.concatenate([book.ids[t] for t in op.inputs])
    elif op.kind == "SLICE" and last == 3:
        begin = int(model.integers(op.inputs[1])[last])
        book.ids[target] = book.ids[op.inputs[0]][begin : begin + _shape(model, target)[last]]
    elif op.kind == "ADD" and homogeneous and len(readable) == 2 and _shape(model, readable[0]) == _shape(model, readable[1]):
        book.join(*readable)
        book.ids[target] = book.ids[readable[0]]
    else:
        _pin_all(model, op, readable, book)


def _pin_all(model: FloatModel, op: Operator, readable: list[int], book: _Book) -> None:
    """An operator that no factor may pass: its inputs and outputs keep theirs at 1."""
    for t in readable:
        book.pin(t)
    for t in op.outputs:
        book.fresh(t, (_shape(model, t) or (1,))[-1], pinned=True)


def _is_convolution(model: FloatModel, op: Operator) -> bool:
    """Whether it convolves with constant float weights."""
    return op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and op.inputs[1] in model.constants


def _shape(model: FloatModel, tensor: int) -> tuple[int, ...]:
    return model.graph.tensors[tensor].shape


class _Book:
    """Channel ids by tensor, with union and pinning."""

    def __init__(self) -> None:
        self.ids: dict[int, _Ids] = {}
        self.pinned: set[int] = set()
        self._parent: list[int] = []

    def fresh(self, tensor: int, channels: int, pinned: bool) -> None:
        """New ids for every channel of a tensor."""
        start = len(self._parent)
        self._parent.extend(range(start, start + channels))
        self.ids[tensor] = np.arange(start, start + channels)
        if pinned:
            self.pin(tensor)

    def pin(self, tensor: int) -> None:
        """Keeps the factor of every channel of a tensor at 1."""
        self.pinned.update(int(i) for i in self.ids[tensor])

    def join(self, first: int, second: int) -> None:
        """Gives two tensors the same factors, channel by channel."""
        for a, b in zip(self.ids[first], self.ids[second], strict=True):
            self._parent[self.root(int(b))] = self.root(int(a))

    def root(self, i: int) -> int:
        """The id that stands for all ids joined with this one."""
        while self._parent[i] != i:
            i = self._parent[i]
        return i
