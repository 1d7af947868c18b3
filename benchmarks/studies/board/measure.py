"""The board's cells: what the installed Vela makes of each model for each NPU, and whether its bytes are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.studies.board.models import RECIPE, SIZE, BoardModel
from conversion.velas.versions import installed_version
from core.progress import Progress
from harness.explore.engine import explored
from harness.explore.exploration import Cell
from harness.explore.requests import CellRequest, SourceRequest

NOT_SHOWN = ("memory_budget_bytes", "npu_estimated_beats", "operators_executed", "operators_fused", "operators_elided")
"""What the page of the board has no place for."""
PROVED_ON = ("ethos-u55-256", "ethos-u65-256", "ethos-u85-256")
"""NPUs on which a detector's bytes are held against TFLite Micro's, at the smallest size; a small network's are on all."""


def cells(models: Sequence[BoardModel], npus: Sequence[str], tell: Progress) -> Iterator[Cell]:
    """Every model on every NPU, as they are computed on all processors."""
    requests = {request: model for model in models for request in _requests(model, npus)}
    weights = {request.key: model.weights for request, model in requests.items()}
    for found in explored(tuple(requests), "", tell):
        cell = found.cell
        tell(f"{found.done} of {found.of}: {cell.key.name}: {cell.failed or f'{cell.seconds:.1f} s'}")
        shown = tuple(figure for figure in cell.figures if figure.metric not in NOT_SHOWN)
        yield replace(cell, weights=weights[cell.key], figures=shown, seconds=round(cell.seconds, 3))


def _requests(model: BoardModel, npus: Sequence[str]) -> Iterator[CellRequest]:
    recipe = "" if model.file else RECIPE
    source = SourceRequest(model=model.choice(), image_size=model.size, recipe=recipe)
    for npu in npus:
        with_bytes = bool(model.file) or (npu in PROVED_ON and model.size == SIZE)
        yield CellRequest(source=source, npu=npu, npu_name=npu, vela=installed_version(), with_bytes=with_bytes)
