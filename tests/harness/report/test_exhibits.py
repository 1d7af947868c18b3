"""Each figure of a page can say where it comes from, and equal ones are kept once."""

from __future__ import annotations

from core.records.evidence import Evidence
from core.records.unavailable import Unavailable
from harness.report.html.exhibits import BADGES, NO_VALUE, NOTHING, Exhibits
from tests.harness.builders import measurement


def test_a_figure_is_shown_as_its_metrics_row_says_with_its_evidence() -> None:
    exhibits = Exhibits()
    figure = measurement(metric="latency_us", stat="median", unit="us", value=5_000.0, evidence=Evidence.MEASURED)
    cell = exhibits.figure(figure)
    assert (cell.text, cell.unit, cell.badge) == ("5.00", "ms", BADGES["measured"][0])
    assert exhibits.figure(figure, bare=True).unit == ""
    name, where, value, unit, *_ = exhibits.rows[cell.key]
    assert (name, value, unit) == ("latency_us median", 5_000.0, "us")
    assert where == "level2_relu on ethos-u65-256, target host"


def test_a_replayed_figure_says_which_recording_answered() -> None:
    exhibits = Exhibits()
    cell = exhibits.figure(measurement(replayed_from="recordings/board"))
    assert exhibits.rows[cell.key][1].endswith("target host, replayed from recordings/board")


def test_a_figure_without_a_value_is_a_dash_that_says_why_and_one_that_is_not_there_has_no_provenance() -> None:
    exhibits = Exhibits()
    cell = exhibits.figure(measurement(value=Unavailable("no board")))
    assert (cell.text, cell.why, cell.key) == (NO_VALUE, "no board", 0)
    assert exhibits.figure(None) == NOTHING


def test_equal_figures_and_identities_are_kept_once() -> None:
    exhibits = Exhibits()
    cells = [exhibits.figure(measurement(target=target)) for target in ("a", "b", "a")]
    assert [cell.key for cell in cells] == [0, 1, 0]
    assert len(exhibits.identities) == 1
