"""Accuracy by graph, what int8 costs, by class, and against latency: only where there are numbers."""

from __future__ import annotations

from pathlib import Path

from harness.report.html.accuracy_charts import accuracy_charts, class_charts, trade_charts
from harness.report.run_view import RunView
from tests.harness.builders import with_records
from tests.harness.report.runs import write_run


def test_every_number_is_described_in_its_chart(tmp_path: Path) -> None:
    view = RunView(write_run(tmp_path / "run"))
    accuracy, drops = accuracy_charts(view)
    assert "level2_relu, int8: 0.690" in accuracy.svg
    assert "level2_relu: +0.0080, 95 % interval +0.0020 to +0.0100" in drops.svg
    assert "Stop: int8 0.500" in class_charts(view)[0].svg
    (trade,) = trade_charts(view)
    assert "level2_relu: 45.0 ms estimated, 0.690" in trade.svg


def test_without_accuracy_there_are_no_charts(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    view = RunView(with_records(run, [figure for figure in run.records if "map50" not in figure.metric]))
    assert [*accuracy_charts(view), *class_charts(view), *trade_charts(view)] == []
