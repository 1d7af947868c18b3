"""An exploration as a file: what figures of many cells share (metric, evidence, note) stands in it once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from core.errors import UsageError
from core.files import read_regular
from core.records.field_types import FILE_RECORD
from core.records.measurement import Value
from harness.explore.exploration import Cell, CellKey, Exploration, FigureKind, Weights

MOST_BYTES = 256 << 20
SECONDS_DIGITS = 3
EXPECTED, HINT = "a file of `ethos-bench explore --json FILE`", "ethos-bench explore --help"


@dataclass(frozen=True, kw_only=True)
class CellInFile:
    """A cell whose figures are pairs: the place of its kind in the file's `kinds`, and the value."""

    __pydantic_config__ = FILE_RECORD

    key: CellKey
    weights: Weights
    figures: tuple[tuple[Annotated[int, Field(ge=0)], Value], ...] = ()
    failed: str = ""
    seconds: float = 0.0
    identity: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ExplorationInFile:
    """What is written."""

    __pydantic_config__ = FILE_RECORD

    schema: Literal["ethos-bench-explore/2"] = "ethos-bench-explore/2"
    made: str
    command: str
    versions: dict[str, str]
    kinds: tuple[FigureKind, ...]
    cells: tuple[CellInFile, ...]


@dataclass(frozen=True, kw_only=True)
class FirstSchema:
    """What was written at first: every figure whole."""

    __pydantic_config__ = FILE_RECORD

    schema: Literal["ethos-bench-explore/1"]
    made: str
    command: str
    versions: dict[str, str]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class _AnySchema:
    __pydantic_config__ = ConfigDict(extra="ignore")

    schema: Literal["ethos-bench-explore/1", "ethos-bench-explore/2"]


ANY, FIRST, SECOND = TypeAdapter(_AnySchema), TypeAdapter(FirstSchema), TypeAdapter(ExplorationInFile)


def text_of(exploration: Exploration) -> str:
    """The file's content: one kind of figure, then one cell, on a line."""
    content = SECOND.dump_python(_in_file(exploration), mode="json", exclude_defaults=True)
    kinds, cells = (",\n".join(json.dumps(one, sort_keys=True) for one in content.pop(name, ())) for name in ("kinds", "cells"))
    head = json.dumps({"schema": ExplorationInFile.schema, **content}, sort_keys=True)
    return f'{head[:-1]}, "kinds": [\n{kinds}\n], "cells": [\n{cells}\n]}}\n'


def _in_file(exploration: Exploration) -> ExplorationInFile:
    places: dict[FigureKind, int] = {}

    def placed(cell: Cell) -> CellInFile:
        figures = tuple((places.setdefault(one.kind, len(places)), one.value) for one in cell.figures)
        return CellInFile(
            key=cell.key, weights=cell.weights, figures=figures, failed=cell.failed,
            seconds=round(cell.seconds, SECONDS_DIGITS), identity=cell.identity,
        )  # fmt: skip

    cells = tuple(placed(cell) for cell in exploration.cells)
    return ExplorationInFile(
        made=exploration.made, command=exploration.command, versions=exploration.versions, kinds=tuple(places), cells=cells
    )


def read_exploration(path: Path) -> Exploration:
    """The exploration that a file of either schema holds; UsageError says what is wrong with it."""
    try:
        text = read_regular(path, MOST_BYTES)
        first = ANY.validate_json(text).schema == "ethos-bench-explore/1"
        written = (FIRST if first else SECOND).validate_json(text, strict=False)
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror or error}", EXPECTED, HINT) from error
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"])) or "the file"
        raise UsageError(f"`{path}` is no exploration: {place}: {wrong['msg']}", EXPECTED, HINT) from error
    if isinstance(written, FirstSchema):
        cells = written.cells
    else:
        most = max((kind for cell in written.cells for kind, _ in cell.figures), default=-1)
        if most >= len(written.kinds):
            raise UsageError(f"`{path}` is no exploration: kind {most} of {len(written.kinds)} is missing", EXPECTED, HINT)
        cells = tuple(_cell(cell, written.kinds) for cell in written.cells)
    return Exploration(made=written.made, command=written.command, versions=written.versions, cells=cells)


def _cell(written: CellInFile, kinds: Sequence[FigureKind]) -> Cell:
    figures = tuple(kinds[kind].with_value(value) for kind, value in written.figures)
    return Cell(
        key=written.key, weights=written.weights, figures=figures, failed=written.failed, seconds=written.seconds,
        identity=written.identity,
    )  # fmt: skip
