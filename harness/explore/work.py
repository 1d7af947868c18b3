"""The work of an exploration, as functions of requests: convert a model, compute a cell; results are kept.

Each runs in any process that has this code: what it makes lies in the cache, and a cell that is there is never computed again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from conversion.file_kinds import COMPILED
from conversion.velas.environments import executable_of
from conversion.velas.versions import name_of
from core.cache import entry
from core.code_identity import code_identity
from core.errors import EthosBenchError, StorageError, ToolMissing
from core.progress import to_nobody
from core.records.unavailable import Unavailable
from core.versions import version_of
from harness.explore.exploration import Cell, Figure
from harness.explore.requests import CellRequest, SourceRequest, TunedVela
from harness.explore.sightings import Question, Sighting
from harness.explore.sources import Parts, memory_identity, profile_named, source_of, source_parts

FILE = "cell.json"
CELL = TypeAdapter(Cell)
ACCURACY_MODULE = "harness.explore.accuracy"
"""The other half of a worker's work, which stands on this one."""
IDENTITY = ("tflite", "compiled", "profile")


def worker_identity() -> str:
    """Our code and the Vela beside it, as one word: two processes of which it is the same compute the same cells."""
    return f"{code_identity((__name__, ACCURACY_MODULE)).digest[:16]}, Vela {version_of('ethos-u-vela')}"


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
    except NotKnown:
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


class NotKnown(Exception):
    """A cell is not in the cache, and nobody asked to compute it."""


def _kept(request: CellRequest, start: float | None) -> Cell:
    """The cell, computed into the cache when it is not there; NotKnown instead without a `start`."""

    def make(folder: Path) -> None:
        if start is None:
            raise NotKnown
        (folder / FILE).write_bytes(CELL.dump_json(_cell(request, start), exclude_defaults=True))

    kept = CELL.validate_json((entry("cell", _parts(request), make, tell=to_nobody) / FILE).read_bytes())
    return replace(kept, key=request.key)  # the same file under two names is the same work


def _parts(request: CellRequest) -> Parts:
    """Everything that the figures of a cell depend on."""
    profile = profile_named(request.npu)
    return {
        **source_parts(request.source),
        "profile": profile.identity,
        "memory": memory_identity(request.npu, request.memory),
        "vela": name_of(request.vela),
        "arguments": list(request.tuned.arguments()),
        "bytes": request.with_bytes,
    }


def _cell(request: CellRequest, start: float) -> Cell:
    """The cell computed; a refusal of the compiler is a result, everything else that goes wrong is raised."""
    source, profile = source_of(request.source), profile_named(request.npu)
    seen = sighting(Question(source, profile, request.memory), request.vela, request.tuned)
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


def sighting(question: Question, vela: str, tuned: TunedVela) -> Sighting:
    """What a Vela makes of a model, or has made of it; raises when that Vela cannot be had, which says nothing of the model."""
    if question.source.kind in COMPILED:
        return question.as_compiled()
    if not question.refused_by(vela):
        executable_of(vela, to_nobody)
    return question.through(vela, tuned)


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
