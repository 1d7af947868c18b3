"""The count of an older toolchain: functions that TVM hands to an Ethos-N when its patterns are never merged.

V3_NPU_analytics counts so: its script annotates for the Ethos-N, merges regions and partitions, without the pass that puts
whole convolutions together first. Then only operators that TVM knows by their plain name can be handed over: reshape,
concatenation, split, max pooling, clip. Every convolution stays on the CPU, so none of these functions holds a single MAC.
Source: the script of the same project, and TVM's Ethos-N support; what each plain operator needs is the rule table's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from conversion.rules.clamps import clamp_bounds
from conversion.rules.devices import Device
from conversion.rules.layer import Layer, LayerOptions, LayerTensor
from conversion.rules.operators import LOWERINGS
from conversion.rules.table import refusal
from conversion.rules.tensors_of_file import FileTensors, NotLowered
from core.tflite.nodes import Operator
from core.tflite.reader import ModelReader

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
PLAIN = {"RESHAPE": "reshape", "CONCATENATION": "concatenate", "SPLIT": "split", "MAX_POOL_2D": "max_pool2d"}
BEHIND_A_TUPLE = frozenset({"CONCATENATION", "SPLIT"})
"""What reads its inputs from, or writes its outputs into, a tuple of Relay's: regions do not merge across one."""


@dataclass(frozen=True, kw_only=True)
class RelayFunctions:
    """Functions for the Ethos-N after partitioning, and the operators in them by TVM's name before they merged."""

    functions: int
    operators: Counter[str]

    @property
    def share(self) -> float:
        """Functions over all functions, 0..1: everything else is one more, `main`."""
        return self.functions / (self.functions + 1)


def relay_functions(data: bytes, name: str, device: Device) -> RelayFunctions:
    """How many functions a TFLite file gives; BrokenModel when it is none."""
    reader = ModelReader(data, name)
    tensors = FileTensors(reader, leading=False)
    nodes = {operator.index: _node(operator, tensors, device) for operator in reader.operators}
    producers = {position: operator for operator in reader.operators for position in operator.outputs}
    merged = 0
    for operator in reader.operators:
        if operator.kind in PLAIN and operator.kind not in BEHIND_A_TUPLE and nodes[operator.index]:
            producer = producers.get(operator.inputs[0])
            merged += (
                producer is not None and producer.kind not in BEHIND_A_TUPLE - {"CONCATENATION"} and bool(nodes[producer.index])
            )
    operators = Counter(node for node in nodes.values() if node)
    return RelayFunctions(functions=sum(operators.values()) - merged, operators=operators)


def _node(operator: Operator, tensors: FileTensors, device: Device) -> str:
    """TVM's name of the one node of an operator that can be handed over and that the device takes, else ""."""
    try:
        name, layer = _layer(operator, tensors)
    except NotLowered:
        return ""
    return "" if refusal(layer, device) else name


def _layer(operator: Operator, tensors: FileTensors) -> tuple[str, Layer]:
    """A fused activation is a clip of its own, and TVM's importer puts a reshape behind each strided slice."""
    if operator.kind in CONVOLUTIONS and operator.fused_activation in ("RELU", "RELU6"):
        output = tensors.activation(operator.outputs[0])
        return "clip", _same("relu", output, LayerOptions(bounds=clamp_bounds(operator.fused_activation, output)))
    if operator.kind == "STRIDED_SLICE":
        return "reshape", _same("reshape", tensors.activation(operator.outputs[0]), LayerOptions())
    if operator.kind not in PLAIN:
        raise NotLowered(f"{operator.kind} has no plain name")
    return PLAIN[operator.kind], LOWERINGS[operator.kind](operator, tensors, None)


def _same(kind: str, tensor: LayerTensor, options: LayerOptions) -> Layer:
    computed = replace(tensor, constant=False)
    return Layer(kind=kind, inputs=(computed,), outputs=(computed,), options=options)
