"""Cells in the history: each once, again when it changed, with its own build, in SQLite and in PostgreSQL.

Covers harness.history.last_records.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.records.evidence import Evidence
from core.records.unavailable import Unavailable
from harness.cli import main
from harness.explore.exploration import Cell, CellKey, Exploration, Figure
from harness.explore.in_history import build_of, keep, records_of
from harness.history.engine import history_url
from harness.history.store import History
from tests.harness.history.conftest import database, server

__all__ = ["database", "server"]
KEY = CellKey(model="level3", npu="ethos-u65-256", vela="5.2.0", image_size=320, recipe="fast")


def cell(us: float, npu: str = KEY.npu, image_size: int = KEY.image_size) -> Cell:
    return Cell(
        key=replace(KEY, npu=npu, image_size=image_size),
        weights="trained",
        identity={"tflite": "a" * 64, "compiled": "b" * 64, "profile": "u65:1", "accelerator": "ethos-u65-256"},
        figures=(
            Figure(metric="npu_estimated_us", stat="open", value=us, evidence=Evidence.ESTIMATED, note="not validated"),
            Figure(metric="fits", value=True, evidence=Evidence.COMPILED),
            Figure(metric="map50_95", graph="int8", value=0.5, evidence=Evidence.HOST),
        ),
    )


def exploration(day: int, *cells: Cell) -> Exploration:
    return Exploration(made=f"2026-11-{day:02d}T07:00:00+00:00", command="ethos-bench explore", versions={}, cells=cells)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> History:
    """A new one of each kind."""
    url = str(tmp_path / "history.db") if request.param == "sqlite" else request.getfixturevalue("database")
    made = History(history_url(url, tmp_path))
    made.upgrade()
    return made


def kept(history: History, found: Exploration) -> int:
    return keep(history, found, {}, Path("/somewhere"))


def test_a_cell_is_kept_once_and_again_when_it_is_another_than_it_was_last(history: History) -> None:
    first, other = cell(1000.0), cell(2000.0, npu="ethos-u85-256")
    assert kept(history, exploration(1, first, other)) == 2
    assert kept(history, exploration(2, other, first)) == 0
    assert kept(history, exploration(3, cell(900.0), other)) == 1
    assert kept(history, exploration(4, first)) == 1  # as it was at first, and not as it was last
    points = history.points("npu_estimated_us", variant="level3", profile="ethos-u65-256", stat="open")
    assert [point.figure.value for point in points] == [1000.0, 900.0, 1000.0]
    assert len(history.points("npu_estimated_us", profile="ethos-u85-256", stat="open")) == 1
    assert [run.records for run in history.runs()] == [6, 3, 3]


def test_two_that_keep_the_same_cells_at_once_keep_them_once(history: History) -> None:
    cells = [cell(float(number), image_size=32 * number) for number in range(1, 9)]
    with ThreadPoolExecutor(4) as threads:
        new = list(threads.map(lambda day: kept(history, exploration(day, *cells)), range(1, 5)))
    assert sorted(new) == [0, 0, 0, 8]
    assert len(history.points("fits")) == 8


def test_history_show_has_the_cell_over_time_and_says_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    history = History(history_url(str(path), tmp_path))
    kept(history, exploration(1, cell(1000.0)))
    kept(history, exploration(2, replace(cell(900.0), identity={**cell(1).identity, "compiled": "c" * 64})))
    shown = CliRunner().invoke(main, ["history", "--history", str(path), "show", "npu_estimated_us", "--stat", "open"])
    assert shown.exit_code == 0, shown.output
    assert "imgsz=320+recipe=fast+vela=5.2.0" in shown.output
    assert "compiled: bbbb" in " ".join(shown.output.split())


def test_a_build_says_all_that_was_chosen_and_data_is_in_the_identity_of_accuracy_alone() -> None:
    chosen = replace(KEY, memory="mlek", vela_options="--optimise Size --arena-cache-size 1024")
    assert build_of(chosen) == "arena-cache-size=1024+imgsz=320+memory=mlek+optimise=Size+recipe=fast+vela=5.2.0"
    assert build_of(CellKey(model="m", npu="n")) == ""
    judged = {record.metric: record.identity.options.get("data") for record in records_of(cell(1.0), "of this data")}
    assert judged == {"npu_estimated_us": None, "fits": None, "map50_95": "of this data"}


def test_a_cell_that_failed_is_a_figure_that_could_not_be_had(history: History) -> None:
    failed = replace(cell(1.0), figures=(), failed="Vela refuses it")
    assert [kept(history, exploration(day, failed)) for day in (1, 2)] == [1, 0]
    (point,) = history.points("estimated_us", stat="open")
    assert point.figure.value == Unavailable("Vela refuses it")
