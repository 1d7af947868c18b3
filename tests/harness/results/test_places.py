"""Runs are found from any folder. Covers harness.cli.runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import UsageError
from harness.cli import main
from harness.results.places import find_run, places_above, remember, results_place
from harness.results.store import point_latest
from tests.harness.report.runs import write_run


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one run."""
    point_latest(write_run(tmp_path / "project" / "results" / "one").folder)
    return tmp_path / "project"


def test_a_run_is_found_by_path_by_id_and_as_latest(tmp_path: Path) -> None:
    run = write_run(tmp_path / "results" / "one")
    point_latest(run.folder)
    for name in (run.folder, "one", "latest"):
        assert find_run(name, tmp_path / "results").resolve() == run.folder.resolve()


def test_a_run_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    write_run(tmp_path / "one")
    with pytest.raises(UsageError) as error:
        find_run("two", tmp_path)
    assert "`two`" in error.value.found
    assert "one" in error.value.expected


@pytest.mark.parametrize("name", ["latest", "one"])
def test_a_run_is_found_in_every_folder_below_its_project(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    below = project / "models" / "small"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_run(name).resolve() == (project / "results" / "one").resolve()
    assert results_place() == project / "results"


def test_the_nearest_results_come_first_and_a_folder_of_that_name_without_runs_is_none(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = project / "inner"
    (project / "empty" / "results").mkdir(parents=True)
    point_latest(write_run(inner / "results" / "two").folder)
    monkeypatch.chdir(inner)
    assert places_above() == [inner / "results", project / "results"]
    assert find_run("latest").resolve().name == "two"
    monkeypatch.chdir(project / "empty")
    assert places_above() == [project / "results"]


def test_elsewhere_the_last_run_is_found_and_said_to_be_from_there(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(project / "results" / "one")
    monkeypatch.chdir(tmp_path)
    assert find_run("latest").resolve().name == "one"
    done = CliRunner().invoke(main, ["export", "latest", "--format", "markdown"])
    assert done.exit_code == 0, done.output
    assert "no `latest` here or above: the last run on this computer is" in done.stderr
    assert str((project / "results" / "one").resolve()) in done.stderr


def test_a_run_that_is_nowhere_says_where_it_was_looked_for(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(UsageError) as caught:
        find_run("two")
    assert str(project / "results") in caught.value.found
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="any folder `results` here or above"):
        find_run("latest")


def test_a_place_that_is_gone_is_not_remembered(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(tmp_path / "gone" / "one")
    monkeypatch.chdir(tmp_path)
    assert results_place() == Path("results")
