"""What models reach on data: on this computer, or, of what no computer runs, by what its NPU gives in the simulator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from conversion.file_kinds import TFLITE
from core.cache import entry
from core.errors import EthosBenchError, StorageError
from core.progress import to_nobody
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.unavailable import Unavailable
from harness.explore.exploration import Figure
from harness.explore.requests import AccuracyRequest
from harness.explore.sightings import Question, Sighting
from harness.explore.sources import Parts, dataset_of, profile_named, source_of, source_parts, task_for
from harness.explore.work import NotKnown, require_same
from harness.tasks.kinds import OfKind
from harness.tasks.task import DataSet, Judged, Outputs
from harness.workbench.float_outputs import float_outputs
from harness.workbench.inputs import of_dataset
from targets.run_checks import run_checked
from targets.simulator import Simulator, simulator_digest

FILE, OUTPUTS = "figures.json", "outputs.npz"
FIGURES = TypeAdapter(tuple[Figure, ...])


def is_asked(request: AccuracyRequest) -> bool:
    """Whether there is anything to judge: data was given, and the weights are not drawn from a seed."""
    return request.source.data is not None and request.source.model.weights != "seeded"


def known_accuracy(request: AccuracyRequest) -> tuple[Figure, ...] | None:
    """What was found of a model's accuracy, nothing where none was asked for; None when it has to be computed."""
    if not is_asked(request):
        return ()
    try:
        return _kept(request, None)
    except NotKnown:
        return None


def judged(request: AccuracyRequest, expected: str, refused: str = "") -> tuple[Figure, ...]:
    """What a model finds on the data's test split; nothing where its file could not be had (`refused` says why)."""
    require_same(expected)
    if refused or not is_asked(request):
        return ()
    try:
        return _kept(request, lambda: _found(request, dataset_of(request.source)))
    except StorageError:
        raise
    except EthosBenchError as error:
        return _figures(request, Unavailable(error.found))


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
        "vela": request.vela,
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
    seen = Question(source, profile_named(request.npu)).through(request.vela, request.tuned)
    if isinstance(seen.made, Unavailable):
        return seen.made
    outputs = _simulated(seen, task, dataset)
    given = float_outputs(outputs, source, request.source.layout)
    if isinstance(given, Unavailable):
        return given
    return task.judge_outputs(given, floating, dataset, 1, f"{Simulator.name}, {simulator_digest()}")


def _simulated(seen: Sighting, task: OfKind, dataset: DataSet) -> Outputs:
    """What the NPU gives for each image, kept: a detector takes a second for one."""
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
