"""The results folder: whole files, each figure once, and a clear error when it cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import StorageError, UsageError
from core.files import write_whole
from core.outputs import MARKER
from core.records.failure import Failure
from harness.results.findings import Findings
from harness.results.own_files import OwnFiles
from harness.results.store import Results, point_latest
from harness.results.stored_run import UNWRITTEN, read_run
from tests.harness.builders import header, measurement, sample_group
from tests.small_disk import mounted


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "runs" / "one", header())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path, "64k") as folder:
        yield folder


def content(results: Results) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results.folder / "results.json").read_text())
    return found


def test_an_open_folder_has_valid_results_before_anything_was_found(results: Results) -> None:
    assert content(results)["records"] == []
    assert content(results)["run"]["id"] == header().id


def test_the_same_figure_of_two_tests_is_kept_once(results: Results) -> None:
    findings = Findings(records=[measurement(), measurement(stat="min"), measurement(graph="int8")])
    results.add(findings)
    results.add(Findings(records=[measurement(value=0.5), measurement(profile="ethos-u55-256")]))
    records = content(results)["records"]
    assert len(records) == 4
    assert records[0]["value"] == 1.0


def test_each_runs_samples_are_kept_once_in_their_order(results: Results) -> None:
    results.add(Findings(samples=[sample_group(latency_us=(3.0, 1.0, 2.0))]))
    results.add(Findings(samples=[sample_group(profile="other"), sample_group(target="fvp")]))
    lines = [json.loads(line) for line in (results.folder / "samples.jsonl").read_text().splitlines()]
    assert [line["latency_us"] for line in lines if line["target"] == "host"] == [3.0, 1.0, 2.0]
    assert [line["index"] for line in lines] == [0, 1, 2, 0, 1]


def test_files_and_texts_go_where_findings_say(results: Results, tmp_path: Path) -> None:
    (tmp_path / "source.json").write_text("{}")
    findings = Findings(files={"detections/a.json": str(tmp_path / "source.json")}, texts={"placement/a.json": "[]"})
    results.add(findings)
    assert (results.folder / "detections/a.json").read_text() == "{}"
    assert (results.folder / "placement/a.json").read_text() == "[]"


def test_failures_and_log_lines_are_kept(results: Results) -> None:
    results.fail(Failure(test="test_x[a]", message="why", name="test_x", variant="a", profile="p", target="t"))
    results.log("passed test_y")
    assert content(results)["failures"] == [
        {"test": "test_x[a]", "message": "why", "name": "test_x", "variant": "a", "profile": "p", "target": "t"}
    ]
    assert (results.folder / "run.log").read_text().endswith("passed test_y\n")


def test_latest_points_to_the_newest_run_by_a_relative_link(results: Results) -> None:
    newer = Results(results.folder.parent / "two", header(id="two"))
    link = newer.folder.parent / "latest"
    assert str(link.readlink()) == "two"
    assert json.loads((link / "results.json").read_text())["run"]["id"] == "two"


def test_a_users_folder_called_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "run").mkdir()
    point_latest(tmp_path / "run")
    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "run"]


def test_a_link_to_a_run_that_was_deleted_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("gone")
    (tmp_path / "run").mkdir()
    point_latest(tmp_path / "run")
    assert str((tmp_path / "latest").readlink()) == "run"


def test_a_second_run_into_the_same_folder_keeps_nothing_of_the_first_and_all_that_is_the_users(results: Results) -> None:
    results.add(Findings(samples=[sample_group()], texts={"placement/old.json": "[]"}, records=[measurement()]))
    results.log("old")
    results.files.write("old_model.md", "old")
    (results.folder / "lost").mkdir()
    write_whole(results.folder / "lost" / "ssh-board-0123456789abcdef.jsonl", "old")
    results.close()
    users = ("README.md", "notes.txt", "placement/mine.json", "detections/mine.json", "lost/sources.c", "report.html")
    for name in users:
        write_whole(results.folder / name, "the user's")
    again = Results(results.folder, header(id="again"))
    again.add(Findings(samples=[sample_group(latency_us=(9.0,))]))
    shown = {path.relative_to(again.folder).as_posix() for path in again.folder.rglob("[!.]*") if path.is_file()}
    assert shown == {*users, "results.json", "samples.jsonl"}
    assert all((again.folder / name).read_text() == "the user's" for name in users)
    assert len((again.folder / "samples.jsonl").read_text().splitlines()) == 1


def test_results_that_are_not_listed_as_ours_are_not_overwritten(tmp_path: Path) -> None:
    write_whole(tmp_path / "run/results.json", "{}")
    write_whole(tmp_path / "run/README.md", "the user's")
    with pytest.raises(UsageError, match=r"results\.json` is there.*\n.*\n.*--results .*run-2"):
        Results(tmp_path / "run", header())
    assert (tmp_path / "run/results.json").read_text() == "{}"
    assert (tmp_path / "run/README.md").read_text() == "the user's"


def test_a_list_of_files_that_names_one_elsewhere_removes_nothing_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "victim", "the user's")
    write_whole(tmp_path / "run" / MARKER, '"../victim"\n"results.json"\n')
    with pytest.raises(UsageError, match="no name of a file"):
        Results(tmp_path / "run", header())
    assert (tmp_path / "victim").read_text() == "the user's"


def test_a_folder_in_which_a_run_writes_takes_no_second_one(results: Results) -> None:
    results.add(Findings(records=[measurement()]))
    with pytest.raises(UsageError, match="another run writes into"):
        Results(results.folder, header(id="second"))
    assert content(results)["run"]["id"] == header().id
    results.close()
    Results(results.folder, header(id="second"))


def test_what_was_found_is_on_disk_after_every_test_though_the_whole_file_is_seldom_written(results: Results) -> None:
    results.header = header(command="x" * 2**19)
    written = []
    results.files.write = lambda name, text: written.append(len(text)) or OwnFiles.write(results.files, name, text)  # type: ignore[func-returns-value,method-assign]
    for number in range(400):
        results.add(Findings(records=[measurement(build=f"n={number}", note="n" * 2000)]))
        results.fail(Failure(test=f"test_x[{number}]", message="why"))
    assert read_run(results.folder).written == results.run().written
    assert sum(written) < 12 * (results.folder / "results.json").stat().st_size
    results.finish(0)
    assert not (results.folder / UNWRITTEN).exists()
    assert read_run(results.folder).written == results.run().written


def test_a_line_that_a_cut_left_half_written_is_passed_over(results: Results) -> None:
    line = json.dumps({"records": [measurement(build="n=1").to_json()]})
    (results.folder / UNWRITTEN).write_text(f"{line}\n{line[:-20]}")
    assert len(read_run(results.folder).records) == 1


def test_pages_in_a_folder_that_is_no_results_folder_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("the user's")
    Results(tmp_path, header())
    assert (tmp_path / "README.md").read_text() == "the user's"


def test_a_record_that_cannot_be_written_is_said_and_the_others_are_kept(results: Results) -> None:
    (said,) = results.add(Findings(records=[measurement(value=float("nan")), measurement(stat="min")]))
    assert "npu_operator_share` cannot be recorded" in said
    assert [record["stat"] for record in content(results)["records"]] == ["min"]
    assert read_run(results.folder).records == results.run().records


def test_a_place_that_is_no_folder_is_an_error_with_its_name_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file/run") as caught:
        Results(tmp_path / "file" / "run", header())
    assert "--results" in caught.value.hint


def test_a_full_disk_is_an_error_with_its_name_and_the_results_so_far_stay_whole(small_disk: Path) -> None:
    results = Results(small_disk / "run", header())
    results.add(Findings(records=[measurement()]))
    big = Findings(texts={"placement/big.json": "x" * 2**20})
    with pytest.raises(StorageError, match=r"small-disk/run.*No space left"):
        results.add(big)
    assert len(content(results)["records"]) == 1
    assert not (results.folder / "placement/big.json").exists()
