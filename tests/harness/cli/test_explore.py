"""`ethos-bench explore`: what it says beforehand, what it computes on this computer, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from harness.explore.exploration_file import read_exploration


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["explore", *map(str, arguments)])


@pytest.mark.slow
def test_the_cheapest_npu_stands_first_and_what_is_known_is_not_computed_again(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `explore`")
    asked = ("--model", file, "--npu", "ethos-u65-256", "--npu", "ethos-u55-32")
    assert "2 cells, 0 known" in command(*asked, "--dry-run").stdout
    json_file, csv_file, page = tmp_path / "found.json", tmp_path / "found.csv", tmp_path / "found.html"
    done = command(*asked, "--json", json_file, "--csv", csv_file, "--html", page)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("cheapest NPU: ethos-u55-32, with detector, ")
    assert "2 of 2: detector, " in done.stderr
    found = read_exploration(json_file)
    assert [cell.key.npu for cell in found.cells] == ["ethos-u65-256", "ethos-u55-32"]
    assert csv_file.read_text("utf-8").count("\n") == 3
    assert '<h1 id="cheapest">ethos-u55-32</h1>' in page.read_text("utf-8")
    assert "2 cells, all of them known" in command(*asked, "--dry-run").stdout
    slow = found.cells[1].number("estimated_us", "open")
    assert slow
    limited = command(*asked, "--max-latency", f"{slow - 1}us", "--cluster", "tcp://127.0.0.1:9")  # no cluster is needed
    assert limited.stdout.startswith("cheapest NPU: ethos-u65-256, with detector, ")
    for new in (2, 0):
        done = command(*asked, "--history", tmp_path / "history.db")
        assert f"history: {new} of 2 cells are new or have changed" in done.stderr
    none = command(*asked, "--max-sram", "1")
    assert (none.exit_code, none.stdout.splitlines()[0]) == (1, "no cell of 2 holds the limits: SRAM excludes 2")


def test_many_cells_by_mistake_are_not_computed(file: Path) -> None:
    many = [part for count in range(1, 1002) for part in ("--arena-cache", str(count * 1024))]
    done = command("--model", file, *many)
    assert done.exit_code == 2
    assert "1,001 cells were asked for" in done.output


def test_what_cannot_be_is_refused_with_a_way_out(file: Path, tmp_path: Path) -> None:
    assert command().exit_code == 2
    done = command("--model", file, "--velas", "9.9")
    assert (done.exit_code, "no Vela `9.9` is known here" in done.output) == (2, True)
    (tmp_path / "found.json").write_text("of somebody else")
    refused = command("--model", file, "--json", tmp_path / "found.json")
    assert (refused.exit_code, (tmp_path / "found.json").read_text()) == (2, "of somebody else")


def test_a_history_that_cannot_be_written_is_told_before_any_cell_is_computed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "no").write_text("a file")
    done = command("--model", file, "--history", tmp_path / "no/history.db")
    assert (done.exit_code, "cannot write the history" in done.output) == (1, True)
    assert "1 of 1" not in done.output
