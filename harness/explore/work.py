"""The work of an exploration, as functions of requests: convert a model, compute a cell, judge a model; results are kept.

Each runs in any process that has this code: what it makes lies in the cache, and a cell that is there is never computed again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from conversion.estimates import memory_of
from conversion.file_kinds import COMPILED, file_kind
from conversion.pipeline import Settings, Source, given_source, int8_source
from conversion.profile_files import load_profile
from conversion.quantise import RECIPES
from conversion.steps import Calibration, facts_of
from conversion.velas.environments import executable_of
from core.cache import entry
from core.code_identity import code_identity
from core.errors import EthosBenchError, StorageError, ToolMissing, UsageError
from core.progress import to_nobody
from core.records.checkpoint_facts import CheckpointFacts
from core.records.evidence import Evidence
from core.records.profile import Profile
from core.records.unavailable import Unavailable
from core.versions import version_of
from harness.explore.exploration import Cell, Figure
from harness.explore.requests import CellRequest, ModelChoice, SourceRequest
from harness.explore.sightings import Question
from harness.tasks.kinds import OfKind, task_named, task_of
from harness.tasks.task import DataSet
from harness.workbench.calibration import data_calibration, packaged_calibration

FILE = "cell.json"
CELL = TypeAdapter(Cell)
FIGURES = TypeAdapter(tuple[Figure, ...])
IDENTITY = ("tflite", "compiled", "profile")


def worker_identity() -> str:
    """Our code and the Vela beside it, as one word: two processes of which it is the same compute the same cells."""
    return f"{code_identity((__name__,)).digest[:16]}, Vela {version_of('ethos-u-vela')}"


def require_same(expected: str) -> None:
    """Nothing, or ToolMissing in a process whose code or Vela is another than that of whoever asks."""
    own = worker_identity()
    if own != expected:
        raise ToolMissing(f"a worker runs other code ({own}) than this computer ({expected})", "one version on all machines")


def converted(request: SourceRequest, expected: str) -> str:
    """Quantise a model; the answer is why that can't be done, "" when it is done."""
    require_same(expected)
    try:
        source_of(request)
    except StorageError:
        raise
    except EthosBenchError as error:
        return error.found
    return ""


def known(request: CellRequest) -> Cell | None:
    """The cell from the cache; None when it has to be computed."""
    try:
        return _kept(request, None)
    except _NotKnown:
        return None


def computed(request: CellRequest, expected: str, refused: str = "") -> Cell:
    """The cell, from the cache where it is known; `refused` is why its model could not be quantised.

    What cannot be computed, for whatever reason, is a cell with that reason; it is kept when computing it again would end the
    same way.
    """
    require_same(expected)
    start = time.perf_counter()
    if refused:
        return _without_figures(request, refused, start)
    try:
        return _kept(request, start)
    except StorageError:
        raise
    except EthosBenchError as error:
        return _without_figures(request, error.found, start)


def known_accuracy(request: SourceRequest) -> tuple[Figure, ...] | None:
    """What was found of a model's accuracy, nothing where none was asked for; None when it has to be computed."""
    try:
        return _kept_accuracy(request, to_compute=False)
    except _NotKnown:
        return None


def judged(request: SourceRequest, expected: str, refused: str = "") -> tuple[Figure, ...]:
    """What the int8 file of a model finds on the data's test split, on this computer; nothing where none was asked for."""
    require_same(expected)
    return () if refused else _kept_accuracy(request, to_compute=True)


def _kept_accuracy(request: SourceRequest, *, to_compute: bool) -> tuple[Figure, ...]:
    if request.data is None or request.model.weights == "seeded":
        return ()
    task, _ = _task(request)

    def make(folder: Path) -> None:
        if not to_compute:
            raise _NotKnown
        (folder / FILE).write_bytes(FIGURES.dump_json(_judged(request, task), exclude_defaults=True))

    parts = {**_source_parts(request), "data": _dataset(request).identity, "task": repr(task)}
    return FIGURES.validate_json((entry("explored accuracy", parts, make, tell=to_nobody) / FILE).read_bytes())


def _judged(request: SourceRequest, task: OfKind) -> tuple[Figure, ...]:
    found = task.judge(source_of(request).int8, None, _dataset(request), 1, to_nobody)
    if isinstance(found, Unavailable):
        return tuple(Figure(metric=metric, value=found, evidence=Evidence.HOST, graph="int8") for metric in task.metrics)
    return tuple(
        Figure(metric=one.metric, value=one.value, evidence=Evidence.HOST, stat=one.stat, graph="int8", note=one.note)
        for one in found.figures()
    )


@cache
def _dataset(request: SourceRequest) -> DataSet:
    assert request.data
    found: DataSet = _task(request)[0].load(request.data, request.images)
    return found


@cache
def source_of(request: SourceRequest) -> Source:
    """The int8 file of a request; made anew only when this cache of files does not hold it."""
    model = request.model
    if model.file:
        if file_kind(model.file) in COMPILED:
            raise UsageError(f"`{model.file}` is compiled already, for one NPU", "a file that Vela takes: .tflite or .tosa")
        return given_source(model.file)
    _, facts = _task(request)
    assert facts
    settings = Settings(recipe=request.recipe, image_size=request.image_size)
    return int8_source(model.origin, facts, settings, _calibration(request), to_nobody)


@cache
def facts_for(model: ModelChoice) -> CheckpointFacts:
    """What a model that is converted is."""
    return facts_of(model.origin, to_nobody)


@cache
def profile_named(npu: str) -> Profile:
    """A profile by name or file."""
    return load_profile(npu)


@cache
def _task(request: SourceRequest) -> tuple[OfKind, CheckpointFacts | None]:
    """(what the model is for, its facts where it is a checkpoint)."""
    model = request.model
    if model.file:
        return task_named(task_of(given_source(model.file).graph), "", model.file, None), None
    facts = facts_for(model)
    return task_named(facts.task, "", None, facts), facts


@cache
def _calibration(request: SourceRequest) -> Calibration:
    if request.data is None or request.model.weights == "seeded":
        return packaged_calibration()
    task, _ = _task(request)
    return data_calibration(task, request.data, request.calibration_images or RECIPES[request.recipe].images)


class _NotKnown(Exception):
    """A cell is not in the cache, and nobody asked to compute it."""


def _kept(request: CellRequest, start: float | None) -> Cell:
    """The cell, computed into the cache when it is not there; _NotKnown instead without a `start`."""

    def make(folder: Path) -> None:
        if start is None:
            raise _NotKnown
        (folder / FILE).write_bytes(CELL.dump_json(_cell(request, start), exclude_defaults=True))

    kept = CELL.validate_json((entry("cell", _parts(request), make, tell=to_nobody) / FILE).read_bytes())
    return replace(kept, key=request.key)  # the same file under two names is the same work


def _parts(request: CellRequest) -> Mapping[str, str | int | list[str]]:
    """Everything that the figures of a cell depend on."""
    profile = profile_named(request.npu)
    return {
        **_source_parts(request.source),
        "profile": profile.identity,
        "memory": memory_identity(request.npu, request.memory),
        "vela": request.vela,
        "arguments": list(request.tuned.arguments()),
        "bytes": request.with_bytes,
    }


def _source_parts(source: SourceRequest) -> Mapping[str, str | int | list[str]]:
    """Everything that an int8 file depends on."""
    calibration = _calibration(source) if source.recipe else None
    return {
        "model": source.model.identity,
        "weights": source.model.weights,
        "image_size": source.image_size,
        "recipe": source.recipe,
        "calibration": calibration.identity if calibration else "",
        "calibration_images": calibration.count if calibration else 0,
    }


@cache
def memory_identity(npu: str, memory: str) -> str:
    """The memory of our cycle model for a profile; UsageError when there is none of that name for it."""
    return memory_of(profile_named(npu), memory).identity


def _cell(request: CellRequest, start: float) -> Cell:
    """The cell computed; a refusal of the compiler is a result, everything else that goes wrong is raised."""
    executable_of(request.vela, to_nobody)  # one that cannot be had says nothing about the model
    question = Question(source_of(request.source), profile_named(request.npu), request.memory)
    seen = question.through(request.vela, request.tuned)
    if isinstance(seen.made, Unavailable):
        return _without_figures(request, seen.made.reason, start)
    records = seen.figures(with_bytes=request.with_bytes)
    named = {field: getattr(records[0].identity, field) for field in IDENTITY}
    return Cell(
        key=request.key,
        weights=request.source.model.weights,
        figures=_figures(Figure.of(record) for record in records),
        seconds=time.perf_counter() - start,
        identity={**_accelerator(request), **named},
    )


def _figures(found: Iterable[Figure]) -> tuple[Figure, ...]:
    """The figures of a cell; what a platform has is the profile's, and not the cell's."""
    return tuple(one for one in found if one.metric != "memory_budget_bytes")


def _without_figures(request: CellRequest, reason: str, start: float) -> Cell:
    return Cell(
        key=request.key,
        weights=request.source.model.weights,
        failed=reason,
        seconds=time.perf_counter() - start,
        identity=_accelerator(request),
    )


def _accelerator(request: CellRequest) -> dict[str, str]:
    return {"accelerator": profile_named(request.npu).accelerator_config}
