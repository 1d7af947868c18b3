"""The board's cells: what the installed Vela makes of each model for each NPU, and whether its bytes are right."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from benchmarks.studies.board.models import RECIPE, BoardModel
from conversion.pipeline import Source
from conversion.profile_files import load_profile
from conversion.velas.versions import installed_version
from core.errors import EthosBenchError
from core.progress import Progress
from core.records.unavailable import Unavailable
from harness.explore.exploration import Cell, CellKey, Figure
from harness.explore.sightings import Question, Sighting

NOT_SHOWN = ("memory_budget_bytes", "npu_estimated_beats", "operators_executed", "operators_fused", "operators_elided")
"""What the page of the board has no place for."""
PROVED_ON = ("ethos-u55-256", "ethos-u65-256", "ethos-u85-256")
"""NPUs on which a detector's bytes are held against TFLite Micro's; a small network's are on all. A run takes seconds."""


def key_of(model: BoardModel, npu: str) -> CellKey:
    """The cell of a model on an NPU."""
    recipe = "" if model.file else RECIPE
    return CellKey(model=model.name, npu=npu, vela=installed_version(), image_size=model.size, recipe=recipe)


def cells(model: BoardModel, npus: Sequence[str], tell: Progress) -> Iterator[Cell]:
    """A model's cells on some NPUs, as they are computed."""
    try:
        source: Source | str = model.source(tell)
    except EthosBenchError as error:
        source = error.found
    for npu in npus:
        key, started = key_of(model, npu), time.perf_counter()
        if isinstance(source, str):
            yield Cell(key=key, weights=model.weights, failed=source, identity=_npu(npu))
            continue
        seen = Question(source, load_profile(npu), tell=tell).through(installed_version())
        yield _cell(key, model, seen, started, with_bytes=bool(model.file) or npu in PROVED_ON)


def _cell(key: CellKey, model: BoardModel, seen: Sighting, started: float, *, with_bytes: bool) -> Cell:
    if isinstance(seen.made, Unavailable):
        return Cell(key=key, weights=model.weights, failed=seen.made.reason, identity=_npu(key.npu))
    try:
        found = [one for one in seen.figures(with_bytes=with_bytes) if one.metric not in NOT_SHOWN]
    except EthosBenchError as error:
        return Cell(key=key, weights=model.weights, failed=error.found, identity=_npu(key.npu))
    profile, made = seen.question.profile, seen.made.compiled
    identity = {"int8": seen.question.source.int8.sha256, "compiled": made.sha256, "profile": profile.identity}
    return Cell(
        key=key,
        weights=model.weights,
        figures=tuple(Figure.of(one) for one in found),
        seconds=round(time.perf_counter() - started, 3),
        identity={**identity, **_npu(key.npu)},
    )


def _npu(name: str) -> dict[str, str]:
    """Which NPU a profile is of: what its price is known by."""
    return {"accelerator": load_profile(name).accelerator_config}
