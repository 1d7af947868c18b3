"""Results folders read back: whole, or an error that says what is broken.

Covers harness.cli.report, harness.results.file_names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import UsageError
from harness.cli import main
from harness.history.engine import history_url
from harness.history.store import History
from harness.report.past_runs import runs_beside
from harness.results.file_names import found_name
from harness.results.store import point_latest
from harness.results.stored_run import read_run
from tests.harness.report.runs import write_run


def cut(path: Path) -> None:
    path.write_text(path.read_text()[: path.stat().st_size // 2])


def other_schema(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))


def a_list(path: Path) -> None:
    path.write_text("[]")


def no_evidence(path: Path) -> None:
    content = json.loads(path.read_text())
    del content["records"][0]["evidence"]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "it is no whole JSON"),
        (other_schema, "its schema is 99"),
        (a_list, "its schema is 'list'"),
        (no_evidence, "'evidence' is a required property"),
    ],
)
@pytest.mark.parametrize("command", ["report", "export"])
def test_a_broken_run_is_an_error_in_words(tmp_path: Path, damage: Callable[[Path], None], words: str, command: str) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    damage(run.folder / "results.json")
    more = ["--output", str(tmp_path / "x.html")] if command == "report" else ["--format", "junit", "--output", str(tmp_path)]
    done = CliRunner().invoke(main, [command, str(run.folder), *more])
    assert done.exit_code == 2
    assert "results.json" in done.output
    assert words in done.output
    assert not (tmp_path / "x.html").exists()


def test_what_an_npu_found_is_read_under_the_name_that_the_suite_gives_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    first = next(record for record in run.records if record.metric == "map50_95")
    run = replace(run, written=replace(run.written, records=(*run.records, replace(first, graph="npu", target="sim"))))
    place = run.folder / found_name("detections", "level2_relu", f"npu-{first.profile}-sim")
    place.parent.mkdir(exist_ok=True)
    place.write_text('[{"image_id": 7}]')
    assert run.found("detections", "level2_relu", "npu") == [{"image_id": 7}]
    assert run.found("detections", "level2_relu", "int8") is None


def test_a_page_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["report", str(run.folder), "--output", str(tmp_path / "file" / "report.html")])
    assert done.exit_code == 1
    assert "cannot write" in done.output


def test_the_command_writes_the_page_with_the_history_beside_the_run(tmp_path: Path) -> None:
    for day, name in ((1, "a"), (2, "b")):
        run = write_run(tmp_path / name, ("level2_relu",), run={"id": name, "started": f"2026-01-0{day}T00:00:00+00:00"})
        History(history_url("", tmp_path)).add(run)
    output = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["report", str(run.folder), "--output", str(output)])
    assert done.exit_code == 0, done.output
    assert "2 runs in its history" in done.output
    without = CliRunner().invoke(
        main, ["report", str(run.folder), "--output", str(output), "--history", str(tmp_path / "no.db")]
    )
    assert (without.exit_code, "there is no history at" in without.output) == (0, True)
    assert output.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("command", [["report"], ["recommend"], ["export", "--format", "all"]])
def test_a_run_that_is_not_there_is_usage(command: list[str]) -> None:
    done = CliRunner().invoke(main, [command[0], "no-such-run", *command[1:]])
    assert done.exit_code == 2
    assert "no run `no-such-run`" in done.output


def test_a_last_sample_that_was_cut_off_is_left_out_and_one_in_the_middle_is_an_error(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    path = run.folder / "samples.jsonl"
    whole = path.read_text()
    path.write_text(whole[:-20])
    assert len(read_run(run.folder).samples[0].latency_us) == 19
    path.write_text("nonsense\n" + whole)
    with pytest.raises(UsageError, match="line 1 is no sample"):
        read_run(run.folder)


@pytest.mark.parametrize("content", ["[]", '{"operators": [{}]}', '{"operators": [1]}', '{"operators": "x"}'])
def test_a_placement_that_is_none_is_an_error(tmp_path: Path, content: str) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    (run.folder / "placement" / "level2_relu-ethos-u65-256.json").write_text(content)
    with pytest.raises(UsageError, match="no placement"):
        run.placement("level2_relu", "ethos-u65-256")


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    (tmp_path / "secret-x.json").write_text('{"operators": []}')
    assert run.placement("../../secret", "x") is None


def test_the_runs_beside_a_run_are_its_history_without_later_and_broken_ones(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / name, ("level2_relu",), run={"id": name, "started": f"2026-01-0{day}T00:00:00+00:00"})
        for day, name in ((1, "a"), (2, "b"), (3, "c"))
    ]
    point_latest(runs[2].folder)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "results.json").write_text("{")
    assert [run.id for run in runs_beside(runs[2])] == ["a", "b"]
    assert runs_beside(runs[0]) == []
