"""From what is asked of a source to its quantised file, and what that depends on: facts, calibration, task, data set."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from conversion.estimates import memory_of
from conversion.executorch.lowering import lowered_source
from conversion.pipeline import Settings, Source, given_source, int8_source
from conversion.profile_files import load_profile
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.steps import Calibration, facts_of
from core.errors import ModelError
from core.progress import to_nobody
from core.records.checkpoint_facts import CheckpointFacts
from core.records.profile import Profile
from harness.explore.requests import ModelChoice, SourceRequest
from harness.tasks.kinds import OfKind, task_named, task_of
from harness.tasks.task import DataSet
from harness.workbench.calibration import data_calibration, packaged_calibration

Parts = Mapping[str, str | int | list[str]]
"""What something that is kept depends on, by name."""


@cache
def source_of(request: SourceRequest) -> Source:
    """The quantised file of a request; made anew only when this cache of files does not hold it."""
    model = request.model
    if model.file:
        return given_source(model.file)
    facts, calibration = facts_for(model), _calibration(request)
    settings = Settings(recipe=request.recipe, image_size=request.image_size)
    if request.frontend == "executorch":
        profile = profile_named(request.npu)
        return lowered_source(model.origin, facts, settings, calibration, profile, request.layout, to_nobody)
    return int8_source(model.origin, facts, settings, calibration, to_nobody)


def source_parts(request: SourceRequest) -> Parts:
    """Everything that the file of a source depends on."""
    calibration = _calibration(request) if request.recipe else None
    return {
        "model": request.model.identity,
        "weights": request.model.weights,
        "image_size": request.image_size,
        "recipe": request.recipe,
        "frontend": request.frontend,
        "layout": request.layout,
        "lowered for": profile_named(request.npu).identity if request.npu else "",
        "calibration": calibration.identity if calibration else "",
        "calibration_images": calibration.count if calibration else 0,
    }


@cache
def facts_for(model: ModelChoice) -> CheckpointFacts:
    """What a model that is converted is."""
    return facts_of(model.origin, to_nobody)


@cache
def profile_named(npu: str) -> Profile:
    """A profile by name or file."""
    return load_profile(npu)


@cache
def memory_identity(npu: str, memory: str) -> str:
    """The memory of our cycle model for a profile; UsageError when there is none of that name for it."""
    return memory_of(profile_named(npu), memory).identity


@cache
def task_for(model: ModelChoice) -> OfKind:
    """What a model is for."""
    if model.file:
        return task_named(task_of(given_source(model.file).graph), "", model.file, None)
    facts = facts_for(model)
    return task_named(facts.task, "", None, facts)


def has_task(model: ModelChoice) -> bool:
    """Whether a model is for anything: a file that cannot be read is not, and why is said when it is to be compiled."""
    try:
        task_for(model)
    except ModelError:
        return False
    return True


def dataset_of(request: SourceRequest) -> DataSet:
    """The images that a source is judged on."""
    assert request.data
    return _loaded(request.model, request.data, request.images)


@cache
def _loaded(model: ModelChoice, data: Path, images: int | None) -> DataSet:
    found: DataSet = task_for(model).load(data, images)
    return found


@cache
def _calibration(request: SourceRequest) -> Calibration:
    if request.data is None or request.model.weights == "seeded":
        return packaged_calibration()
    recipe = RECIPES[DEFAULT_RECIPE if request.frontend == "executorch" else request.recipe]
    return data_calibration(task_for(request.model), request.data, request.calibration_images or recipe.images)
