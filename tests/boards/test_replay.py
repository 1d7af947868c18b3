"""A recorded run, run again without its board.

Covers targets.boards.recording, targets.replay.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import UsageError
from targets.kinds import TargetOptions, open_target
from tests.benchmarks.conftest import MakeModel, RunSuite, SuiteRun
from tests.benchmarks.test_acceptance import write
from tests.boards.boards import Lab


def require_same(again: SuiteRun, recorded: SuiteRun, kept: Path) -> None:
    """Fail unless a replay equals the recorded run but for its header and its mark; under xdist records come in any order."""

    def ordered(run: SuiteRun, part: str) -> list[str]:
        rows = [{key: value for key, value in row.items() if key != "replayed_from"} for row in run.results[part]]
        return sorted(json.dumps(row, sort_keys=True) for row in rows)

    assert again.results["run"] != recorded.results["run"]
    for part in ("records", "verdicts"):
        assert ordered(again, part) == ordered(recorded, part)
    assert {record["replayed_from"] for record in again.results["records"]} == {str(kept)}
    samples = [sorted((run.folder / "samples.jsonl").read_text().splitlines()) for run in (again, recorded)]
    assert samples[0] == samples[1]


@pytest.mark.boards
@pytest.mark.slow
def test_a_replay_equals_the_recorded_run_but_for_header_and_mark(
    the_lab: Lab,
    run_suite: RunSuite,
    model: MakeModel,
    tmp_path: Path,
) -> None:
    options = ("--model", model("detector"), "--targets", the_lab.targets)
    recorded = run_suite(*options, "--target", "ssh:native-test", "--record", tmp_path / "kept", results="results/one")
    recorded.says()
    assert recorded.code == 0, recorded.output
    accepted = write(tmp_path, "latency_us[median] <= 1e9 @ host", "npu_executed_share <= 1")
    replayed = ("--target", f"replay:{tmp_path / 'kept'}", "--acceptance", accepted)
    again = run_suite(*options, *replayed, results="results/two")
    again.says(
        "acceptance", "detector-ethos-u65-256-ssh:native-test: latency_us[median] <= 1e9 @ host", "2 of 2 thresholds are met"
    )
    assert again.code == 0, again.output
    require_same(again, recorded, tmp_path / "kept")
    other = run_suite(*options, "--target", f"replay:{tmp_path / 'kept'}", "--repeats", "4", results="results/three")
    other.says("does not have this run")
    assert other.code == 1


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no recording"):
        open_target(f"replay:{tmp_path}", TargetOptions(threads=1))
    with pytest.raises(UsageError, match="names no folder"):
        open_target("replay", TargetOptions(threads=1))


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recording.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(UsageError, match="is damaged: schema 99"):
        open_target(f"replay:{tmp_path}", TargetOptions(threads=1))


def test_recording_without_a_board_is_a_usage_error(tmp_path: Path) -> None:
    from harness.workbench.options import BenchOptions

    with pytest.raises(UsageError, match="is no board"):
        BenchOptions(targets=("host",), record=tmp_path).check()
