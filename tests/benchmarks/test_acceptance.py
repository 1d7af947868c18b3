"""`--acceptance` from the outside: a test per threshold, and no threshold that is passed over.

Covers benchmarks.test_acceptance, harness.pytest_plugin.acceptance.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.history.engine import history_url
from harness.history.store import History
from tests.benchmarks.conftest import MakeModel, RunSuite


def write(tmp_path: Path, *thresholds: str) -> Path:
    file = tmp_path / "release.toml"
    file.write_text(f"[[accept]]\nrequire = {json.dumps(thresholds)}\n")
    return file


def test_each_threshold_is_a_test_with_its_own_line_and_one_that_is_not_met_fails_the_run(
    run_suite: RunSuite, model: MakeModel, tmp_path: Path
) -> None:
    good, bad = "npu_mac_share >= 0.99 @ compiled", "arena_bytes <= 1"
    missing, other = "map50_95[int8] >= 0.1", "latency_us[median] <= 1e9 @ measured"
    run = run_suite("--model", model("detector"), "--acceptance", write(tmp_path, good, bad, missing, other), "-v")
    run.says("1 of 4 thresholds are met")
    assert run.code == 1
    case = "detector-ethos-u65-256-host"
    assert f"test_acceptance[{case}: {good}] PASSED" in run.output
    assert f"test_acceptance[{case}: {bad}] FAILED" in run.output
    run.says(
        f"NOT MET  {case}: {missing}: no figure: no data set was given", "no figure of evidence measured: this run has host"
    )
    kept = json.loads((run.folder / "acceptance.json").read_text())["thresholds"]
    assert [line["met"] for line in kept] == [True, False, False, False]
    assert len([failure for failure in run.results["failures"] if "test_acceptance" in failure["test"]]) == 3


@pytest.mark.slow
def test_a_missing_target_that_is_allowed_still_fails_its_thresholds(
    run_suite: RunSuite, model: MakeModel, tmp_path: Path
) -> None:
    options = ("--model", model("detector"), "--target", "absent", "--allow-missing-target")
    run = run_suite(*options, "--acceptance", write(tmp_path, "latency_us[median] <= 1e9"))
    assert run.code == 1
    run.says("NOT MET", "0 of 1 thresholds are met")


def test_an_unknown_metric_ends_the_session_before_any_work_with_the_nearest_one(
    run_suite: RunSuite, model: MakeModel, tmp_path: Path
) -> None:
    run = run_suite("--model", model("detector"), "--acceptance", write(tmp_path, "latency_ms[p95] <= 45"))
    assert run.code == 4
    run.says("unknown metric `latency_ms`", "did you mean `latency_us`?")


def test_a_run_goes_into_the_history_beside_its_results_with_its_end(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"))
    run.says("history: ", "history.db")
    history = History(history_url(str(run.folder.parent / "history.db"), run.folder))
    (listed,) = history.runs()
    kept = history.run(listed.id)
    assert kept.written.to_json() == run.results
    assert kept.finished
    assert kept.header.exit_code == 0
    assert len(kept.samples[0].latency_us) == 3


@pytest.mark.slow
def test_a_history_that_cannot_be_had_costs_the_run_nothing(run_suite: RunSuite, model: MakeModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = run_suite("--model", model("detector"), "--history", tmp_path / "file" / "history.db")
    assert run.code == 0
    run.says("cannot write the history", "1 run(s) wait in", "ethos-bench history send")
