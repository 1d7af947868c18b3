"""Multiply-accumulates of one operator, by its definition: one per product that the mathematics asks for.

Bias additions, pooling, element-wise products and copies are no MACs. Products with the zeros of the padding count, as they
do in Vela and in every published figure. TRANSPOSE_CONV counts the products of its input elements, not of the zeros that an
implementation may insert between them (Vela inserts them and counts more).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from core.tflite.nodes import OptionValue, Tensor

MAC_KINDS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL"})

Operands = tuple[Tensor | None, ...]


def macs(kind: str, inputs: Operands, output: Tensor | None, options: Mapping[str, OptionValue]) -> int:
    """Multiply-accumulates of one operator, 0 for any kind outside MAC_KINDS and for operands of the wrong rank."""
    if kind not in MAC_KINDS or output is None:
        return 0
    if kind == "TRANSPOSE_CONV":
        return _transpose_conv(inputs)
    first, second = (*inputs, None, None)[:2]
    if first is None or second is None or not first.shape or not second.shape:
        return 0
    if kind == "CONV_2D":
        return output.elements * prod(second.shape[1:])
    if kind == "DEPTHWISE_CONV_2D":
        return output.elements * prod(second.shape[1:3])
    if kind == "FULLY_CONNECTED":
        return output.elements * second.shape[-1]
    depth = first.shape[-2] if options.get("adjX") and len(first.shape) > 1 else first.shape[-1]
    return output.elements * depth


def _transpose_conv(inputs: Operands) -> int:
    """Every input element times the weights of its channel, [out, height, width, in]; the inputs are shape, weights, x."""
    if len(inputs) < 3 or inputs[1] is None or inputs[2] is None or len(inputs[1].shape) != 4:
        return 0
    return inputs[2].elements * prod(inputs[1].shape[:3])
