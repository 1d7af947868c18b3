"""A TFLite file judged by a rule set: every operator executed, folded or refused, and the pieces that stay together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conversion.rules.devices import Device
from conversion.rules.lowering import LoweredOperator, Lowering
from conversion.rules.pieces import pieces
from conversion.rules.table import refusal
from core.tflite.reader import ModelReader

Place = Literal["executed", "folded", "refused"]


@dataclass(frozen=True, kw_only=True)
class JudgedOperator:
    """One TFLite operator: where the rules put it, and why not on the NPU.

    "folded" is a PAD inside a convolution that is taken. `layers` are those that the operator becomes, `layers_taken` those of
    them that the NPU takes; an operator counts as executed when it takes all.
    """

    index: int
    operator: str
    name: str
    where: Place
    macs: int
    layers: int
    layers_taken: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one device takes of one file, by its rules; nothing ran.

    `pieces` are the connected NPU segments: each a list of operator indices that could be one network, because nothing in it
    waits for the CPU to answer something else in it.
    """

    device: Device
    operators: tuple[JudgedOperator, ...]
    pieces: tuple[tuple[int, ...], ...]

    @property
    def taken(self) -> int:
        """Operators on the NPU: executed there, or folded into one that is."""
        return sum(operator.where != "refused" for operator in self.operators)

    @property
    def operator_share(self) -> float:
        """Operators on the NPU over all operators, 0..1."""
        return self.taken / len(self.operators) if self.operators else 0.0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the file."""
        return sum(operator.macs for operator in self.operators)

    @property
    def mac_share(self) -> float:
        """Multiply-accumulates on the NPU over all, 0..1; 0 for a file without any."""
        taken = sum(operator.macs for operator in self.operators if operator.where != "refused")
        return taken / self.macs if self.macs else 0.0

    @property
    def layers(self) -> tuple[int, int]:
        """Layers that the NPU takes, and all layers: folded operators are none, fused activations are their own."""
        return sum(operator.layers_taken for operator in self.operators), sum(operator.layers for operator in self.operators)

    @property
    def refused(self) -> tuple[JudgedOperator, ...]:
        """The operators that stay on the CPU, in file order."""
        return tuple(operator for operator in self.operators if operator.where == "refused")

    @property
    def refused_kinds(self) -> Counter[str]:
        """Refused operators by kind."""
        return Counter(operator.operator for operator in self.refused)

    def to_json(self) -> dict[str, Any]:
        """The judgement as plain data; operators, MACs and pieces beside each other."""
        return {
            "rules": self.device.name,
            "version": self.device.version,
            "evidence": "rules",
            "operators": len(self.operators),
            "operators_taken": self.taken,
            "operator_share": self.operator_share,
            "mac_share": self.mac_share,
            "pieces": [list(piece) for piece in self.pieces],
            "layers": self.layers[1],
            "layers_taken": self.layers[0],
            "refused": dict(self.refused_kinds),
            "placement": [vars(operator) for operator in self.operators],
        }


def judged(data: bytes, name: str, device: Device) -> Judgement:
    """The judgement of a TFLite file; BrokenModel when it is none. Every operator of several subgraphs is refused."""
    first = ModelReader(data, name, subgraph=0)
    if first.subgraphs > 1:
        return _refused_as_a_whole(data, name, first.subgraphs, device)
    return judged_graph(Lowering(first), device)


def judged_graph(lowering: Lowering, device: Device) -> Judgement:
    """The judgement of one subgraph."""
    reasons = {lowered.operator.index: _reasons(lowered, device) for lowered in lowering.operators}
    operators = tuple(_operator(lowered, reasons) for lowered in lowering.operators)
    taken = frozenset(operator.index for operator in operators if operator.where != "refused")
    return Judgement(device=device, operators=operators, pieces=pieces(lowering.reader.operators, taken))


def _reasons(lowered: LoweredOperator, device: Device) -> tuple[str, ...]:
    """One reason per layer, "" where the device takes it; one for an operator that has no layers."""
    if lowered.refusal:
        return (lowered.refusal,)
    return tuple(refusal(layer, device) for layer in lowered.layers)


def _operator(lowered: LoweredOperator, reasons: Mapping[int, tuple[str, ...]]) -> JudgedOperator:
    operator = lowered.operator
    own = reasons[operator.index]
    reason = next((found for found in own if found), "")
    where: Place = "refused" if reason else "executed"
    if lowered.folded_into is not None:
        behind = any(reasons[lowered.folded_into])
        where = "refused" if behind else "folded"
        reason = f"folded into operator {lowered.folded_into}, which is refused" if behind else ""
    return JudgedOperator(
        index=operator.index,
        operator=operator.kind,
        name=operator.output_name,
        where=where,
        macs=operator.macs,
        layers=len(own),
        layers_taken=sum(not found for found in own),
        reason=reason,
    )


def _refused_as_a_whole(data: bytes, name: str, count: int, device: Device) -> Judgement:
    """Every operator of a file with control flow: a network of the NPU is one graph without any."""
    reason = f"the file holds {count} subgraphs: control flow cannot be handed to the NPU"
    found: list[JudgedOperator] = []
    for subgraph in range(count):
        for operator in ModelReader(data, name, subgraph=subgraph).operators:
            found.append(
                JudgedOperator(
                    index=len(found),
                    operator=operator.kind,
                    name=operator.output_name,
                    where="refused",
                    macs=operator.macs,
                    layers=1,
                    layers_taken=0,
                    reason=reason,
                )
            )
    return Judgement(device=device, operators=tuple(found), pieces=())
