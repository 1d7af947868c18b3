"""What makes two TFLite files the same model, whatever their names, metadata and packing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from core.files import sha256
from core.tflite.macs import MAC_KINDS
from core.tflite.nodes import Operator, Tensor
from core.tflite.reader import ModelReader

CARRIERS = frozenset({"DEQUANTIZE", "QUANTIZE", "RESHAPE", "TRANSPOSE", "CAST"})
"""Operators through which a constant may pass on its way to the operator that multiplies with it."""
CARRIER_DEPTH = 4


def _signature(tensor: Tensor) -> str:
    """Shape, type and quantisation of one tensor as a digest; equal for tensors that only differ in name."""
    parts = (tensor.shape, tensor.dtype, tensor.scales, tensor.zero_points, tensor.axis if len(tensor.scales) > 1 else 0)
    return sha256(repr(parts))


def _constant(tensor: Tensor, producers: Mapping[int, Operator], tensors: tuple[Tensor, ...]) -> Tensor | None:
    """The constant that this tensor is or carries, None when it is computed from the graph's inputs."""
    for _ in range(CARRIER_DEPTH):
        if tensor.constant:
            return tensor
        producer = producers.get(tensor.index)
        if producer is None or producer.kind not in CARRIERS or not producer.inputs or producer.inputs[0] < 0:
            return None
        tensor = tensors[producer.inputs[0]]
    return None


def weight_fingerprint(reader: ModelReader) -> str:
    """SHA-256 over the constants that feed MAC operators (weights and biases with their quantisation), in graph order."""
    producers = {output: operator for operator in reader.operators for output in operator.outputs}
    signatures: dict[int, str] = {}
    digest = hashlib.sha256()
    for operator in reader.operators:
        if operator.kind not in MAC_KINDS:
            continue
        for position in operator.inputs:
            constant = _constant(reader.tensors[position], producers, reader.tensors) if position >= 0 else None
            if constant is None:
                continue
            if constant.index not in signatures:
                signatures[constant.index] = _signature(constant) + reader.content_digest(constant)
            digest.update(signatures[constant.index].encode())
    return digest.hexdigest()


def graph_fingerprint(reader: ModelReader) -> str:
    """SHA-256 over operators, options, wiring, shapes, types and quantisation, without names and the values of constants."""
    numbers: dict[int, int] = {}
    digest = hashlib.sha256()

    def label(position: int) -> str:
        """The tensor's number in order of first use, with its signature where it is used first."""
        if position < 0:
            return "-"
        if position in numbers:
            return str(numbers[position])
        numbers[position] = len(numbers)
        tensor = reader.tensors[position]
        return f"{numbers[position]}:{_signature(tensor)}:{tensor.constant:d}"

    digest.update(json.dumps([label(position) for position in reader.inputs]).encode())
    for operator in reader.operators:
        wiring = [[label(position) for position in side] for side in (operator.inputs, operator.outputs)]
        digest.update(json.dumps([operator.kind, sorted(operator.options.items()), wiring]).encode())
    digest.update(json.dumps([label(position) for position in reader.outputs]).encode())
    return digest.hexdigest()
