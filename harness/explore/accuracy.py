"""What models reach on data: on this computer, or, of what no computer runs, by what its NPU gives in the simulator.

The images are divided among tasks, and one task scores what they found together; each part is kept by its content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from conversion.file_kinds import TFLITE
from conversion.velas.versions import name_of
from core.cache import entry
from core.progress import to_nobody
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.unavailable import Unavailable
from harness.explore.exploration import Figure
from harness.explore.requests import AccuracyRequest
from harness.explore.sightings import Question, Sighting
from harness.explore.sources import Parts, dataset_of, has_task, profile_named, source_of, source_parts, task_for
from harness.explore.work import NotKnown, require_same, sighting
from harness.tasks.kinds import OfKind
from harness.tasks.task import DataSet, Judged, Outputs
from harness.workbench.float_outputs import float_outputs
from harness.workbench.inputs import of_dataset
from targets.run_checks import run_checked
from targets.simulator import Simulator, simulator_digest

FILE, OUTPUTS = "figures.json", "outputs.npz"
FIGURES = TypeAdapter(tuple[Figure, ...])
PARTS_OF_A_WORKER = 4
LEAST_IMAGES = 32
"""Images that a part has: opening a model takes as long as several, in the simulator as a hundred (docs/benchmarks.md)."""


def is_asked(request: AccuracyRequest) -> bool:
    """Whether there is anything to judge: data, weights that are not drawn from a seed, and a file that can be read."""
    source = request.source
    return source.data is not None and source.model.weights != "seeded" and has_task(source.model)


def known_accuracy(request: AccuracyRequest) -> tuple[Figure, ...] | None:
    """What was found of a model's accuracy, nothing where none was asked for; None when it has to be computed."""
    if not is_asked(request):
        return ()
    try:
        return _kept(request, None)
    except NotKnown:
        return None


def part_count(request: AccuracyRequest, workers: int) -> int:
    """Into how many parts the images are divided: several for each worker, so that one that dies loses little."""
    return max(1, min(dataset_of(request.source).count // LEAST_IMAGES, workers * PARTS_OF_A_WORKER))


def judged_part(request: AccuracyRequest, part: tuple[int, int], expected: str, refused: str = "") -> Judged | Unavailable:
    """What a model finds on part `part[0]` (from 0) of `part[1]` of the images; `refused` is why its file could not be had."""
    require_same(expected)
    if refused:
        return Unavailable(refused)
    dataset, task, (number, parts) = dataset_of(request.source), task_for(request.source.model), part
    positions = range(number * dataset.count // parts, (number + 1) * dataset.count // parts)
    return _found(request, task.take(dataset, positions))


def scored(
    request: AccuracyRequest, parts: Sequence[Judged | Unavailable], expected: str, refused: str = ""
) -> tuple[Figure, ...]:
    """The figures of all parts together, kept; nothing where the model's file could not be had."""
    require_same(expected)
    return () if refused else _kept(request, lambda: _joined(request, parts))


def without_figures(request: AccuracyRequest, reason: str) -> tuple[Figure, ...]:
    """The task's figures with the reason why there are none this time; they are not kept."""
    return _figures(request, Unavailable(reason))


def _joined(request: AccuracyRequest, parts: Sequence[Judged | Unavailable]) -> Judged | Unavailable:
    """What all images show; the first reason where a part shows nothing."""
    nothing = next((part for part in parts if isinstance(part, Unavailable)), None)
    if nothing:
        return nothing
    found: Judged = task_for(request.source.model).joined(parts, dataset_of(request.source))
    return found


def _kept(request: AccuracyRequest, find: Callable[[], Judged | Unavailable] | None) -> tuple[Figure, ...]:
    """The figures, found into the cache when they are not there; NotKnown instead where there is nothing to find them by."""

    def make(folder: Path) -> None:
        if find is None:
            raise NotKnown
        (folder / FILE).write_bytes(FIGURES.dump_json(_figures(request, find()), exclude_defaults=True))

    folder = entry("explored accuracy", _parts(request), make, tell=to_nobody)
    return FIGURES.validate_json((folder / FILE).read_bytes())


def _parts(request: AccuracyRequest) -> Parts:
    """Everything that the figures depend on."""
    source = request.source
    return {
        **source_parts(source),
        "profile": profile_named(request.npu).identity if request.npu else "",
        "vela": name_of(request.vela),
        "arguments": list(request.tuned.arguments()),
        "data": dataset_of(source).identity,
        "task": repr(task_for(source.model)),
    }


def _figures(request: AccuracyRequest, found: Judged | Unavailable) -> tuple[Figure, ...]:
    """The task's figures, of the graph that was judged; each says why where nothing could be."""
    graph, evidence = ("npu", Evidence.SIMULATED_OPEN) if _runs_on_npu_alone(request) else ("int8", Evidence.HOST)
    if isinstance(found, Unavailable):
        metrics = task_for(request.source.model).metrics
        return tuple(Figure(metric=metric, value=found, evidence=evidence, graph=graph) for metric in metrics)
    return tuple(
        Figure(metric=one.metric, value=one.value, evidence=evidence, stat=one.stat, graph=graph, note=one.note)
        for one in found.figures()
    )


def _runs_on_npu_alone(request: AccuracyRequest) -> bool:
    return source_of(request.source).kind != TFLITE


def _found(request: AccuracyRequest, dataset: DataSet) -> Judged | Unavailable:
    """What the file gives on images, or why that says nothing."""
    source, task = source_of(request.source), task_for(request.source.model)
    if not _runs_on_npu_alone(request):
        found: Judged | Unavailable = task.judge(source.int8, None, dataset, 1, to_nobody)
        return found
    floating = source.floating
    if floating is None:
        return Unavailable(f"{source.kind}: no computer runs it, and it says no scales of its outputs")
    seen = sighting(Question(source, profile_named(request.npu)), request.vela, request.tuned)
    if isinstance(seen.made, Unavailable):
        return seen.made
    outputs = _simulated(seen, task, dataset)
    given = float_outputs(outputs, source, request.source.layout)
    if isinstance(given, Unavailable):
        return given
    return task.judge_outputs(given, floating, dataset, 1, f"{Simulator.name}, {simulator_digest()}")


def _simulated(seen: Sighting, task: OfKind, dataset: DataSet) -> Outputs:
    """What the NPU gives for each image, kept: opening a detector alone takes seconds."""
    artefact, graph = seen.artefact, seen.question.source.graph

    def make(folder: Path) -> None:
        position = task.position(graph, dataset)
        assert isinstance(position, int)  # a lowered model has one input, an image
        fed = of_dataset(task, dataset, dataset.count, graph, position)
        run = run_checked(Simulator(), Job(artefact, fed.feeds, repeats=0))
        np.savez_compressed(folder / OUTPUTS, *(np.stack(values) for values in zip(*run.outputs, strict=True)))

    compiled = artefact.compilation.compiled.sha256
    parts = {"compiled": compiled, "data": dataset.identity, "task": repr(task)}
    folder = entry("simulated", parts, make, tell=to_nobody)
    with np.load(folder / OUTPUTS, allow_pickle=False) as kept:
        return list(zip(*(kept[name] for name in kept.files), strict=True))
