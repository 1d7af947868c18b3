"""Who is right when a run's bytes are not TFLite Micro's: two other runtimes are asked, and the file is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from conversion.model_checks import scale_and_weight_findings
from conversion.pipeline import Source
from conversion.requantisation import merged_to_uint8
from core.errors import RunError
from core.progress import Progress
from core.records.artefact import Artefact
from core.records.job import Job, Tensors
from core.records.placement import Placement
from core.tflite.graph import TfliteGraph
from core.versions import version_of
from harness.workbench.reference import Equality, compare
from targets.host import Host
from targets.runner.protocol import Kernels

Outputs = Sequence[Sequence[NDArray[Any]]]
LITERT = f"LiteRT {version_of('ai-edge-litert')}"
OTHERS: tuple[tuple[str, Kernels], ...] = ((f"{LITERT}'s reference kernels", "reference"), ("XNNPACK", "default"))


def arbitrated(
    found: Equality, outputs: Outputs, artefact: Artefact, source: Source, feeds: tuple[Tensors, ...], tell: Progress
) -> Equality:
    """The comparison itself where all bytes are equal; else against whom the NPU is right, or what in the file explains it."""
    if not found.difference:
        return found
    tell("bytes differ from TFLite Micro's: asking LiteRT's reference kernels and XNNPACK")
    if _all_agree(outputs, artefact, source, feeds):
        names = " and ".join(name for name, _ in OTHERS)
        why = "; ".join(scale_and_weight_findings(source.graph))
        finding = f"{found.reference} alone differs: {found.difference}" + (f"; {why}" if why else "")
        return Equality(images=found.images, equal=found.images, difference="", reference=names, finding=finding)
    return replace(found, finding="; ".join(causes(source.graph, artefact.compilation.placement, artefact)))


def _all_agree(outputs: Outputs, artefact: Artefact, source: Source, feeds: tuple[Tensors, ...]) -> bool:
    """Whether each other runtime gives the run's bytes for every image; one that refuses the file agrees with nobody."""
    names = [tensor.name for tensor in source.graph.outputs]
    for _, kernels in OTHERS:
        try:
            other = Host(threads=1, kernels=kernels).run(Job(artefact, feeds, 0)).outputs
        except RunError:
            return False
        if compare(outputs, other, names).difference:
            return False
    return True


def causes(graph: TfliteGraph, placement: Placement, artefact: Artefact) -> list[str]:
    """What in the file or in its compilation is known to make the NPU's bytes differ; empty when nothing is known."""
    return [*scale_and_weight_findings(graph), *_clipped_requantisation(graph, placement, artefact.compilation.vela_version)]


def _clipped_requantisation(graph: TfliteGraph, placement: Placement, vela: str) -> list[str]:
    """A QUANTIZE from int8 to uint8 that Vela merged into the operator before it, with the limits of int8."""
    return [
        f"Vela {vela} merges the QUANTIZE to uint8 `{name}` into the operator before it and keeps the limits of int8, so that "
        "the NPU clips it at 127: end the file in int8, or take another Vela (--vela)"
        for name in merged_to_uint8(graph, placement)[:1]
    ]
