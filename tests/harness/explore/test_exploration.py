"""An exploration: its cells by name, its table, several as one."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from core.records.evidence import Evidence
from core.records.unavailable import Unavailable
from harness.explore.exploration import Cell, CellKey, Exploration, Figure, joined

KEY = CellKey(model="level3", npu="ethos-u65-256", vela="5.2.0", image_size=320, recipe="full-range")
DONE = Cell(
    key=KEY,
    weights="trained",
    figures=(
        Figure(metric="estimated_us", stat="open", value=1500.5, evidence=Evidence.ESTIMATED),
        Figure(metric="fits", value=True, evidence=Evidence.COMPILED),
        Figure(metric="map50", graph="int8", value=Unavailable("nobody asked"), evidence=Evidence.HOST),
    ),
    seconds=1.25,
    identity={"accelerator": "ethos-u65-256"},
)
FAILED = Cell(key=replace(KEY, vela="4.2.0"), weights="trained", failed="it refuses, it says", identity={})
ALL = Exploration(made="2026-11-29T07:00:00+00:00", command="explore", versions={"ethos-u-vela": "5.2.0"}, cells=(DONE, FAILED))


def test_a_table_has_a_row_per_cell_and_nothing_where_there_is_no_figure() -> None:
    done, failed = csv.DictReader(io.StringIO(ALL.to_csv()))
    assert (done["estimated_us.open"], done["fits"], done["map50.int8"], done["image_size"]) == ("1500.5", "True", "", "320")
    assert (failed["failed"], failed["estimated_us.open"]) == ("it refuses, it says", "")


def test_a_figure_that_a_cell_does_not_have_says_why() -> None:
    assert DONE.value("map50", graph="int8") == Unavailable("nobody asked")
    assert FAILED.value("fits") == Unavailable("it refuses, it says")
    assert (DONE.number("estimated_us", "open"), DONE.number("fits"), FAILED.number("fits")) == (1500.5, None, None)


def test_cells_are_named_by_all_that_was_chosen() -> None:
    assert KEY.name == "level3 320px full-range, ethos-u65-256, Vela 5.2.0"
    others = [replace(KEY, memory="mlek-off"), replace(KEY, vela_options="--optimise Size"), replace(KEY, image_size=0)]
    assert len({one.digest for one in (KEY, *others)}) == len({one.name for one in (KEY, *others)}) == 4


def test_of_a_cell_in_two_explorations_the_newest_counts() -> None:
    newer = replace(ALL, made="2026-11-30T07:00:00+00:00", cells=(replace(FAILED, failed="it refuses still"),))
    assert joined([newer, ALL]) == replace(newer, cells=(DONE, newer.cells[0]))
