"""Cells in the history: an exploration goes in as a run of those cells that are new there, or another than they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from core.metrics import BY_NAME
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.explore.exploration import Cell, CellKey, Exploration, Figure
from harness.history.store import History
from harness.results.results_file import ResultsFile
from harness.results.run_header import run_header
from harness.results.stored_run import StoredRun

TARGET = "sim"
"""What a cell's bytes run in; its evidence says of each figure what proves it."""
WITHOUT_FIGURES = ("estimated_us", "open")
"""The figure that is unavailable of a cell that failed: what a limit on time is held against."""


def keep(history: History, exploration: Exploration, judged_on: Mapping[CellKey, str], folder: Path) -> int:
    """Cells that went into the history; those that are there as they are now stay there once.

    `judged_on` is the identity of the data that a cell's accuracy is of, `folder` where the exploration was made.
    """
    header = run_header(exploration.command)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    records = tuple(record for cell in exploration.cells for record in records_of(cell, judged_on.get(cell.key, "")))
    written = ResultsFile(
        schema=1,
        run=replace(header, started=exploration.made, finished=now),
        records=records,
        verdicts=(),
        failures=(),
    )
    kept = history.add_changed(StoredRun(written, (), folder))
    return len({record.case for record in kept.written.records})


def records_of(cell: Cell, judged_on: str) -> Iterator[Measurement]:
    """A cell's figures as records of results.json; of a cell that failed one that says why."""
    key, identity = cell.key, _identity(cell)
    for figure in cell.figures or _absent(cell):
        of_data = {"data": judged_on} if figure.graph and judged_on else {}
        yield Measurement(
            variant=key.model, build=build_of(key), profile=key.npu, target=TARGET, metric=figure.metric, stat=figure.stat,
            graph=figure.graph, value=figure.value, unit=BY_NAME[figure.metric].unit, evidence=figure.evidence,
            identity=replace(identity, options={**identity.options, **of_data}), note=figure.note,
        )  # fmt: skip


def build_of(key: CellKey) -> str:
    """What was chosen for a cell, as the build of a case: sorted `key=value` joined by `+`."""
    words = key.vela_options.split()
    options = {flag.removeprefix("--"): value for flag, value in zip(words[::2], words[1::2], strict=True)}
    chosen = {
        "frontend": key.frontend.removeprefix("tflite"), "layout": key.layout, "vela": key.vela, "recipe": key.recipe,
        "imgsz": str(key.image_size or ""), "memory": key.memory, **options,
    }  # fmt: skip
    return "+".join(f"{name}={value}" for name, value in sorted(chosen.items()) if value)


def _identity(cell: Cell) -> Identity:
    held, key = cell.identity, cell.key
    return Identity(
        tflite=held.get("tflite", ""),
        compiled=held.get("compiled", ""),
        profile=held.get("profile", ""),
        tools={"vela": key.vela} if key.vela else {},
        options={"image_size": str(key.image_size), "recipe": key.recipe or "none", "weights": cell.weights},
    )


def _absent(cell: Cell) -> tuple[Figure, ...]:
    metric, stat = WITHOUT_FIGURES
    return (Figure(metric=metric, stat=stat, value=Unavailable(cell.failed), evidence=Evidence.ESTIMATED),)
