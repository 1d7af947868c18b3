"""An output that a user named is written where nothing is, or over what this program wrote there, and never over another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import StorageError, UsageError
from core.outputs import MARKER, require_free, write_output, write_outputs


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))


def test_what_it_wrote_it_writes_over_however_the_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_output(tmp_path / "page.html", "old")
    monkeypatch.chdir(tmp_path)
    write_output(Path("page.html"), "new")
    assert (tmp_path / "page.html").read_text() == "new"


def test_a_file_of_others_stays_and_the_hint_is_a_path_where_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("mine")
    (tmp_path / "notes-2.md").write_text("mine too")
    with pytest.raises(UsageError) as caught:
        write_output(path, "ours", "--json")
    assert path.read_text() == "mine"
    assert caught.value.hint == f"--json {tmp_path / 'notes-3.md'}"


def test_a_file_of_ours_that_somebody_changed_is_theirs(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_output(path, "ours")
    path.write_text("ours, and a remark")
    with pytest.raises(UsageError, match="did not write it as it is"):
        write_output(path, "anew")
    assert path.read_text() == "ours, and a remark"


def test_a_link_and_a_folder_are_never_written_over(tmp_path: Path) -> None:
    target = tmp_path / "target"
    write_output(target, "ours")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    for name in ("link", "nowhere", "cache"):
        with pytest.raises(UsageError):
            require_free(tmp_path / name)
    assert target.read_text() == "ours"


def test_a_file_that_a_results_folder_lists_as_ours_is_ours(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("page of the run")
    (tmp_path / MARKER).write_text(json.dumps("report.html") + "\n")
    write_output(tmp_path / "report.html", "the page anew")
    assert (tmp_path / "report.html").read_text() == "the page anew"


def test_of_several_files_none_is_written_when_one_is_anothers(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(UsageError):
        write_outputs({tmp_path / "a": "1", tmp_path / "b": "2"})
    assert not (tmp_path / "a").exists()


def test_without_a_cache_to_keep_it_in_the_file_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("no folder")
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "taken"))
    write_output(tmp_path / "page.html", "ours")
    assert (tmp_path / "page.html").read_text() == "ours"
    with pytest.raises(UsageError):
        write_output(tmp_path / "page.html", "anew")


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="File exists"):
        write_output(tmp_path / "file" / "page.html", "ours")
