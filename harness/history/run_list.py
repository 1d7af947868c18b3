"""The list of runs in a history: a line for each, without its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import Row

from harness.history.database_tables import FAILURES, RECORDS, RUNS

Names = dict[str, tuple[dict[str, None], dict[str, None]]]
"""Run -> its variants and its targets, in their order."""


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs."""

    id: str
    started: str
    commit: str
    dirty: bool
    models: tuple[str, ...]
    targets: tuple[str, ...]
    records: int
    failures: int
    folder: str


def run_list(connection: Connection) -> list[RunSummary]:
    """Every run, the oldest first."""
    counts, names = _counts(connection), _names(connection)
    rows = connection.execute(select(RUNS).order_by(RUNS.c.started, RUNS.c.id))
    return [_summary(row, counts, names) for row in rows]


def _counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Table name -> run -> number of rows."""
    counts: dict[str, dict[str, int]] = {}
    for table in (RECORDS, FAILURES):
        rows = connection.execute(select(table.c.run_id, func.count().label("rows")).group_by(table.c.run_id))
        counts[table.name] = {row.run_id: row.rows for row in rows}
    return counts


def _names(connection: Connection) -> Names:
    """Run -> its variants and its targets."""
    found = select(RECORDS.c.run_id, RECORDS.c.variant, RECORDS.c.target, func.min(RECORDS.c.position).label("first"))
    rows = connection.execute(found.group_by(RECORDS.c.run_id, RECORDS.c.variant, RECORDS.c.target).order_by("first"))
    names: Names = {}
    for row in rows:
        variants, targets = names.setdefault(row.run_id, ({}, {}))
        variants[row.variant] = targets[row.target] = None
    return names


def _summary(row: Row[Any], counts: Mapping[str, Mapping[str, int]], names: Names) -> RunSummary:
    variants, targets = names.get(row.id, ({}, {}))
    number = [counts[table].get(row.id, 0) for table in ("records", "failures")]
    return RunSummary(
        id=row.id,
        started=row.started,
        commit=row.commit,
        dirty=row.dirty,
        models=tuple(variants),
        targets=tuple(targets),
        records=number[0],
        failures=number[1],
        folder=row.folder,
    )
