"""Vela 5.2's defect with a QUANTIZE from int8 to uint8: where it strikes, how it is compiled round, what is said of it.

5.2 merges such a QUANTIZE into the operator before it and keeps the limits of int8 for a uint8 output: everything above 127 is
clipped by the NPU. Velas up to 5.1 do not. docs/decisions/quantize-to-uint8.md has the evidence.
"""

from __future__ import annotations

import re
from dataclasses import replace

from core.records.artefact import Compilation
from core.records.placement import Placement
from core.tflite.graph import TfliteGraph

DEFECTIVE = re.compile(r"5\.2(\.|$)")
"""The versions that are known to clip; what a later one does, its bytes will say."""
AROUND = ("--ignore-ops", "QUANTIZE")
"""Vela's own option, from 5.1 on: QUANTIZE operators stay on the CPU, where their limits are right."""
REASON = "Vela {} clips a QUANTIZE to uint8 at 127 when it merges it: left to the CPU by --ignore-ops QUANTIZE"


def merged_to_uint8(graph: TfliteGraph, placement: Placement) -> tuple[str, ...]:
    """The names of uint8 tensors whose QUANTIZE from int8 is part of another operator's command."""
    fused = {operator.index for operator in placement.operators if operator.where == "fused"}
    return tuple(
        graph.tensors[operator.outputs[0]].name
        for operator in graph.operators
        if operator.index in fused and operator.kind == "QUANTIZE" and _to_uint8(graph, operator.inputs[0], operator.outputs[0])
    )


def way_round(graph: TfliteGraph, placement: Placement, vela_version: str) -> tuple[str, ...]:
    """What is added to Vela's command line so that it does not clip; empty where it does not."""
    return AROUND if DEFECTIVE.match(vela_version) and merged_to_uint8(graph, placement) else ()


def with_reason(placement: Placement, before: Placement, vela_version: str) -> Placement:
    """The placement of a compilation that went round, with the reason at each operator that is on the CPU for that alone."""
    reason, there = REASON.format(vela_version), {operator.index for operator in before.cpu}
    moved = {operator.index for operator in placement.cpu} - there
    return replace(
        placement,
        operators=tuple(
            replace(operator, reason=reason) if operator.index in moved else operator for operator in placement.operators
        ),
    )


def requantisation_findings(compilation: Compilation) -> tuple[str, ...]:
    """What a reader should know of how a file was compiled; empty when it was compiled as Vela is called by itself."""
    if compilation.command[-len(AROUND) :] != AROUND:
        return ()
    names = [operator.name for operator in compilation.placement.cpu if operator.operator == "QUANTIZE"]
    return (
        f"compiled with {' '.join(AROUND)}: by itself Vela {compilation.vela_version} merges a QUANTIZE to uint8 into the "
        f"operator before it and clips it at 127, a defect that Vela 5.1 and older do not have. So {len(names)} QUANTIZE "
        f"(`{names[-1]}`) run on the CPU; to have all on the NPU end the file in int8, or take another Vela (--vela)",
    )


def _to_uint8(graph: TfliteGraph, source: int, result: int) -> bool:
    return (graph.tensors[source].dtype, graph.tensors[result].dtype) == ("int8", "uint8")
