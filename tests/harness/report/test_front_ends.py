"""What two front ends made of a model stands side by side, in the terminal and on the page.

Covers harness.report.front_ends.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from core.records.measurement import Measurement
from harness.claims.verdicts import judge
from harness.report.front_ends import HEAD, front_end_rows, front_end_table
from harness.report.html.claim_rows import verdict_rows
from harness.report.html.exhibits import Exhibits
from harness.report.html.page import page
from harness.report.run_view import RunView
from harness.report.safe_console import SafeConsole
from harness.report.tables import FigureTable
from harness.results.stored_run import StoredRun
from tests.harness.builders import claim, measurement, with_records
from tests.harness.report.runs import write_run

BUILD = "frontend=executorch+layout=nchw"


def both(tmp_path: Path) -> StoredRun:
    """level2_relu by TFLite, and what was level3_relu as its lowered build, with a transpose of a quarter of all cycles."""
    run = write_run(tmp_path / "run")

    def own(figure: Measurement) -> Measurement:
        return replace(figure, variant="level2_relu", build=BUILD) if figure.variant == "level3_relu" else figure

    placed = json.loads((run.folder / "placement/level2_relu-ethos-u65-256.json").read_text("utf-8"))
    for number, operator in enumerate(placed["operators"]):
        operator |= {"operator": "TRANSPOSE" if number == 1 else "CONV2D", "npu_cycles": 300 if number == 0 else 0}
    placed["operators"][1]["npu_cycles"] = 100
    (run.folder / f"placement/level2_relu~{BUILD}-ethos-u65-256.json").write_text(json.dumps(placed), "utf-8")
    counts = {"": 251, BUILD: 962}
    operations = [
        measurement(variant="level2_relu", build=build, metric="npu_operations", value=count, unit="count")
        for build, count in counts.items()
    ]
    return with_records(run, [*map(own, run.records), *operations])


def test_each_front_end_is_a_row_with_its_operations_and_transposes(tmp_path: Path) -> None:
    run = both(tmp_path)
    first, second = (dict(zip(HEAD, row.cells, strict=True)) for row in front_end_rows(run, FigureTable(run.records)))
    assert (first["front end"], second["front end"]) == ("TFLite", "ExecuTorch, contiguous")
    assert first["model"] == second["model"] == "level2_relu"
    assert second["transposes"] == "1, 25.0 %"
    assert first["transposes"].startswith("0")
    assert (first["operations"], second["operations"]) == ("251", "962")


def test_the_terminal_and_the_page_show_the_table(tmp_path: Path) -> None:
    run = both(tmp_path)
    console = SafeConsole(width=300)
    with console.capture() as captured:
        console.print(front_end_table(front_end_rows(run, FigureTable(run.records))))
    assert "ExecuTorch, contiguous" in captured.get()
    assert "operations" in captured.get()
    assert 'id="front-ends"' in (text := page(run))
    assert "<td>ExecuTorch, contiguous</td>" in text
    assert "962</td>" in text


def test_claims_on_the_page_have_the_figure_of_their_own_build_and_npu(tmp_path: Path) -> None:
    shares = {("", "ethos-u65-256"): 1.0, (BUILD, "ethos-u65-256"): 0.5, (BUILD, "ethos-u85-256"): 0.25}
    figures = [measurement(build=build, profile=profile, value=share) for (build, profile), share in shares.items()]
    run = with_records(write_run(tmp_path / "run"), figures)
    run = replace(run, written=replace(run.written, verdicts=tuple(judge(claim(), [one]) for one in figures)))
    exhibits = Exhibits()
    rows = [row for own in verdict_rows(RunView(run), exhibits).values() for row in own]
    assert {(row.claim, row.where, row.found) for row in rows} == {
        ("summary-level2_relu", "u65-256", "100.0 %"),
        (f"summary-level2_relu~{BUILD}", "u65-256", "50.0 %"),
        (f"summary-level2_relu~{BUILD}", "u85-256", "25.0 %"),
    }
    assert len({row.figure.key for row in rows}) == 3


def test_a_run_of_one_front_end_has_no_such_table(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert front_end_rows(run, FigureTable(run.records)) == []
    assert 'id="front-ends"' not in page(run)
