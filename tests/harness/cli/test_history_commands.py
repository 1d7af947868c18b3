"""The commands on the history, from the outside.

Covers harness.cli.baseline, harness.cli.compare, harness.cli.history.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.records.measurement import Measurement
from harness.cli import main
from tests.harness.builders import measurement
from tests.harness.history.runs import IDENTITY, latency, run
from tests.harness.schema import read_results


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(tmp_path / "h.db")


def ethos_bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def folder(tmp_path: Path, number: int, records: list[Measurement] | None = None) -> Path:
    place = tmp_path / f"run{number}"
    place.mkdir()
    (place / "results.json").write_text(json.dumps(run(number, records).written.to_json()))
    return place


def test_runs_go_in_are_listed_and_come_out_as_results_json(history: str, tmp_path: Path) -> None:
    first, second = folder(tmp_path, 1), folder(tmp_path, 2)
    done = ethos_bench("history", "--history", history, "import", first, second)
    assert done.output == "20260101-run: taken in\n20260102-run: taken in\n"
    assert "there already" in ethos_bench("history", "--history", history, "import", first).output
    listed = ethos_bench("history", "--history", history).output
    assert listed.index("20260101-run") < listed.index("20260102-run")
    out = tmp_path / "out"
    assert ethos_bench("history", "--history", history, "export", "20260101", "--output", out).exit_code == 0
    assert read_results(out) == json.loads((first / "results.json").read_text())
    again = ethos_bench("history", "--history", history, "export", "20260101", "--output", out)
    assert again.exit_code == 2
    assert "exists" in again.output


def test_a_run_without_an_end_goes_in_only_when_that_is_wanted(history: str, tmp_path: Path) -> None:
    place = folder(tmp_path, 1)
    content = json.loads((place / "results.json").read_text())
    del content["run"]["finished"], content["run"]["exit_code"]
    (place / "results.json").write_text(json.dumps(content))
    done = ethos_bench("history", "--history", history, "import", place)
    assert done.exit_code == 1
    assert "hint: ethos-bench history import --unfinished" in done.output
    assert ethos_bench("history", "--history", history, "import", "--unfinished", place).exit_code == 0


def test_a_metric_is_shown_over_all_runs_and_an_unknown_one_says_which_there_are(history: str, tmp_path: Path) -> None:
    for number, value in ((1, 1.0), (2, 0.5)):
        record = measurement(value=value, identity=IDENTITY)
        ethos_bench("history", "--history", history, "import", folder(tmp_path, number, [record]))
    shown = ethos_bench("history", "--history", history, "show", "npu_operator_share").output
    assert "100.0 %" in shown
    assert "-50.00 points" in shown
    assert (
        "no run has `npu_operator_share` of this kind"
        in ethos_bench("history", "--history", history, "show", "npu_operator_share", "--build", "imgsz=320").output
    )
    wrong = ethos_bench("history", "--history", history, "show", "npu_share")
    assert wrong.exit_code == 1
    assert "npu_operator_share" in wrong.output


def test_compare_names_what_changed_and_ends_with_1_when_something_is_worse(history: str, tmp_path: Path) -> None:
    good = folder(tmp_path, 1, [measurement(identity=IDENTITY), latency()])
    bad = folder(tmp_path, 2, [measurement(value=0.5, identity=IDENTITY), latency()])
    done = ethos_bench("compare", good, bad, "--history", history, "--json", tmp_path / "c.json")
    assert done.exit_code == 1
    assert "npu_operator_share" in done.output
    assert json.loads((tmp_path / "c.json").read_text())["negative"] is True
    assert ethos_bench("compare", bad, good, "--history", history).exit_code == 0


def test_compare_with_the_baseline_of_the_history(history: str, tmp_path: Path) -> None:
    for number in (1, 2):
        ethos_bench("history", "--history", history, "import", folder(tmp_path, number, [measurement(identity=IDENTITY)]))
    none = ethos_bench("compare", "baseline", "--history", history)
    assert none.exit_code == 1
    assert "hint: ethos-bench baseline set latest" in none.output
    assert ethos_bench("baseline", "set", "20260101", "--history", history).output == "baseline main: 20260101-run\n"
    assert "main: 20260101-run, since" in ethos_bench("baseline", "show", "--history", history).output
    done = ethos_bench("compare", "baseline", "latest", "--history", history)
    assert done.exit_code == 0
    assert "Nothing changed" in done.output


@pytest.mark.parametrize(
    "arguments", [("history",), ("history", "show", "macs"), ("baseline", "show"), ("compare", "latest", "latest")]
)
def test_a_history_that_is_not_there_is_an_error_without_a_trace(arguments: tuple[str, ...], tmp_path: Path) -> None:
    command, *rest = arguments
    place = ("--history", str(tmp_path / "none.db"))
    done = ethos_bench(command, *place, *rest) if command == "history" else ethos_bench(command, *rest, *place)
    assert done.exit_code == 1
    assert "there is no history at" in done.output


def test_an_empty_spool_has_nothing_to_send(history: str, tmp_path: Path) -> None:
    done = ethos_bench("history", "--history", history, "send", "--results", tmp_path)
    assert (done.exit_code, done.output) == (0, "nothing waits\n")


def test_upgrade_makes_a_store(history: str) -> None:
    assert "schema none before" in ethos_bench("history", "--history", history, "upgrade").output
    assert ethos_bench("history", "--history", history).exit_code == 0
