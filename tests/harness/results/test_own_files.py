"""Only files that this program wrote are written over or removed, and models of any name have files.

Covers harness.results.file_names.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import UsageError
from core.outputs import MARKER
from harness.results.own_files import OwnFiles


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "level2_relu.md").write_text("the user's")
    with pytest.raises(UsageError, match="this program did not write it"):
        OwnFiles(tmp_path).write("level2_relu.md", "ours")
    assert (tmp_path / "level2_relu.md").read_text() == "the user's"


def test_a_file_of_ours_is_written_anew_also_by_another_process(tmp_path: Path) -> None:
    OwnFiles(tmp_path).write("summary.md", "old")
    OwnFiles(tmp_path).write("summary.md", "new")
    assert (tmp_path / "summary.md").read_text() == "new"


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", MARKER, ".ssh/config"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a file"):
        OwnFiles(tmp_path / "run").write(name, "")


def test_a_file_is_listed_before_it_is_there(tmp_path: Path) -> None:
    path = OwnFiles(tmp_path).place("placement/a.json")
    assert not path.exists()
    assert [json.loads(line) for line in (tmp_path / MARKER).read_text().splitlines()] == ["placement/a.json"]


def test_a_link_in_the_place_of_a_file_is_not_followed_when_it_goes(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("the user's")
    files = OwnFiles(tmp_path / "run")
    (tmp_path / "run").mkdir()
    files.write("summary.md", "ours")
    (tmp_path / "run/summary.md").unlink()
    (tmp_path / "run/summary.md").symlink_to(tmp_path / "victim")
    with pytest.raises(UsageError):
        OwnFiles(tmp_path / "run").clear()
    assert (tmp_path / "victim").read_text() == "the user's"
