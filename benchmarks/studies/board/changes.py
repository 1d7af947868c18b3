"""What changed between two boards, a line for each cell that did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.errors import UsageError
from core.metrics import BY_NAME
from core.records.field_types import FILE_RECORD
from core.records.measurement import Value
from core.records.unavailable import Unavailable
from harness.explore.exploration import Cell, CellKey, Exploration

WATCHED = (
    ("estimated_us", "open"), ("estimated_us", "vela"), ("arena_bytes", ""), ("flash_bytes", ""), ("operators_cpu", ""),
    ("fits", ""), ("bit_exact", ""),
)  # fmt: skip
Place = tuple[str, str, int]
"""Model, NPU and size: what a cell of a board is about, whichever Vela made it."""


@dataclass(frozen=True)
class Changes:
    """What is another than it was on the board made at `since` (ISO 8601; "" when there was none)."""

    __pydantic_config__ = FILE_RECORD

    since: str
    lines: tuple[str, ...]

    def to_text(self) -> str:
        """The file's content, a line of it per change."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_changes(path: Path) -> Changes:
    """The changes that a file holds; UsageError when it holds something else."""
    try:
        return TypeAdapter(Changes).validate_json(path.read_bytes(), strict=False)
    except (OSError, ValidationError) as error:
        raise UsageError(f"`{path}` does not say what changed", "a file that `make board` wrote", "make board") from error


def changes(before: Exploration, after: Exploration) -> Changes:
    """Cells that came and went, and the watched figures of all others that are not what they were."""
    old, new = ({_place(cell.key): cell for cell in board.cells} for board in (before, after))
    gone = [f"{_named(place)}: gone" for place in old if place not in new]
    came = [f"{_named(place)}: new" for place in new if place not in old]
    other = [f"{_named(place)}: {told}" for place in new if place in old for told in _differences(old[place], new[place])]
    return Changes(before.made, (*other, *came, *gone))


def _differences(old: Cell, new: Cell) -> Iterator[str]:
    if old.failed != new.failed:
        yield f"{old.failed or 'had figures'} -> {new.failed or 'has figures'}"
        return
    if old.key.vela != new.key.vela:
        yield f"Vela {old.key.vela} -> {new.key.vela}"
    for metric, stat in WATCHED:
        before, after = old.value(metric, stat), new.value(metric, stat)
        if before != after and not (_unasked(old, metric, stat) and _unasked(new, metric, stat)):
            yield f"{BY_NAME[metric].title}{f' ({stat})' if stat else ''} {_said(metric, before)} -> {_said(metric, after)}"


def _unasked(cell: Cell, metric: str, stat: str) -> bool:
    return not any((figure.metric, figure.stat) == (metric, stat) for figure in cell.figures)


def _said(metric: str, value: Value) -> str:
    if isinstance(value, Unavailable):
        return value.reason
    display = BY_NAME[metric].display
    return f"{display.text(value)} {display.unit}".strip()


def _place(key: CellKey) -> Place:
    return key.model, key.npu, key.image_size


def _named(place: Place) -> str:
    model, npu, size = place
    return f"{model}{f' {size}px' if size else ''} on {npu}"
