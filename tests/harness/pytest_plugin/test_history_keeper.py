"""A session's run goes into the history with its end, and what cannot go there is said and never raised."""

from __future__ import annotations

from pathlib import Path

from harness.history.engine import history_url
from harness.history.store import History
from harness.pytest_plugin.history_keeper import HistoryKeeper
from harness.results.findings import Findings
from harness.results.store import Results
from tests.harness.builders import header, measurement, sample_group


def results_in(folder: Path) -> Results:
    results = Results(folder / "one", header())
    results.add(Findings([measurement(replayed_from="recordings/board")], samples=[sample_group()]))
    return results


def test_a_session_ends_with_its_run_in_the_history(tmp_path: Path) -> None:
    results, url = results_in(tmp_path), history_url("", tmp_path)
    keeper = HistoryKeeper(results, url, tmp_path)
    keeper.pytest_sessionfinish(1)
    kept = History(url).run(header().id)
    assert kept.written == results.run().written
    assert (kept.finished, kept.header.exit_code, kept.samples) == (True, 1, (sample_group(),))
    assert kept.records[0].replayed_from == "recordings/board"
    assert keeper.lines == [f"history: {header().id} kept in {url.database}"]


def test_a_history_that_cannot_be_written_is_a_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keeper = HistoryKeeper(results_in(tmp_path), history_url(str(tmp_path / "file" / "h.db"), tmp_path), tmp_path)
    keeper.pytest_sessionfinish(0)
    assert "cannot write the history" in keeper.lines[0]
    assert "1 run(s) wait in" in keeper.lines[-1]
