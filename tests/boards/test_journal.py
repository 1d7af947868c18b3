"""Samples outlive the process that took them, until they are stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results.store import Results
from targets.boards.journal import Journal
from tests.harness.builders import header

SAMPLE = '{"event": "sample", "us": 1.5}'


def journals(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "lost").iterdir())


def keep(folder: Path, job: str, error: type[BaseException] | None = None) -> None:
    with Journal(folder / "lost", "ssh:board", job) as journal:
        journal.write(SAMPLE)
        if error:
            raise error


def test_samples_stay_on_disk_after_their_run_till_the_session_has_stored_them(tmp_path: Path) -> None:
    keep(tmp_path, "done")
    with pytest.raises(OSError):  # noqa: PT011  # any that a link may raise
        keep(tmp_path, "cut", OSError)
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path, "interrupted", KeyboardInterrupt)
    handed = ["ssh-board-cut.handed-over.jsonl", "ssh-board-done.handed-over.jsonl"]
    assert journals(tmp_path) == [*handed, "ssh-board-interrupted.jsonl"]
    assert (tmp_path / "lost" / handed[0]).read_text() == SAMPLE + "\n"


@pytest.mark.parametrize(("exit_code", "left"), [(0, 1), (1, 1), (2, 2), (3, 2)])
def test_a_session_that_came_to_its_end_removes_what_it_stored(tmp_path: Path, exit_code: int, left: int) -> None:
    results = Results(tmp_path / "results", header(id="id"))
    keep(tmp_path / "results", "done")
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path / "results", "interrupted", KeyboardInterrupt)
    results.finish(exit_code)
    assert len(journals(tmp_path / "results")) == left
