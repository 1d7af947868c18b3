"""Bytes of an entry that are not those that were written are noticed, told of, never used, and made anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core import cache_content
from core.cache import entry
from core.cache_content import ENTRY
from core.files import file_sha256
from tests.core.cache_child import child, line


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "file").write_text("made")


def another_process() -> None:
    """What a process knows of the entries that it has read is forgotten."""
    cache_content._known.clear()


def same_size_and_time(path: Path) -> None:
    before = path.stat()
    path.write_text("MADE")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "other bytes": (lambda folder: (folder / "below" / "file").write_text("MADE"), "`below/file` has other bytes"),
    "other bytes, same size and time": (lambda folder: same_size_and_time(folder / "below" / "file"), "has other bytes"),
    "empty after a power cut": (lambda folder: (folder / "below" / "file").write_text(""), "has 0 bytes instead of 4"),
    "longer": (lambda folder: (folder / "below" / "file").write_text("made more"), "has 9 bytes instead of 4"),
    "gone": (lambda folder: (folder / "below" / "file").unlink(), "`file` is missing"),
    "no list": (lambda folder: (folder / ENTRY).unlink(), f"`{ENTRY}` is missing"),
    "empty list": (lambda folder: (folder / ENTRY).write_text(""), f"`{ENTRY}` is damaged"),
    "another's list": (lambda folder: (folder / ENTRY).write_text("[]"), f"`{ENTRY}` is damaged"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_changed_entry_is_told_of_and_made_anew(cache: Path, name: str) -> None:
    damage, words = DAMAGES[name]
    said: list[str] = []
    folder = entry("thing", {"a": 1}, make)
    damage(folder)
    another_process()
    assert entry("thing", {"a": 1}, make, tell=said.append) == folder
    assert (folder / "below" / "file").read_text() == "made"
    (text,) = said
    assert f"thing/{folder.name} is not as it was written" in text
    assert words in text
    assert "not used and made anew" in text
    assert entry("thing", {"a": 1}, make, tell=said.append) == folder
    assert len(said) == 1


def test_a_file_that_changes_while_a_session_runs_is_noticed_at_the_next_reading(cache: Path) -> None:
    said: list[str] = []
    folder = entry("thing", {"a": 1}, make)
    assert entry("thing", {"a": 1}, make, tell=said.append) == folder
    (folder / "below" / "file").write_text("MADE")
    entry("thing", {"a": 1}, make, tell=said.append)
    assert len(said) == 1
    assert (folder / "below" / "file").read_text() == "made"


def test_an_entry_is_hashed_once_in_a_process(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry("thing", {"a": 1}, make)
    hashed: list[Path] = []
    real = file_sha256

    def watched(path: Path) -> str:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr(cache_content, "file_sha256", watched)
    another_process()
    for _ in range(3):
        entry("thing", {"a": 1}, make)
    assert [path.name for path in hashed] == ["file"]


def test_a_cache_that_was_copied_is_as_good_as_its_bytes(cache: Path) -> None:
    folder = entry("thing", {"a": 1}, make)
    os.utime(folder / "below" / "file", (1, 1))
    another_process()
    said: list[str] = []
    entry("thing", {"a": 1}, make, tell=said.append)
    assert said == []


def test_of_two_processes_that_find_a_changed_entry_both_get_whole_ones(cache: Path) -> None:
    script = 'print((entry("thing", {"a": 1}, make) / "file").read_text() == "made" * 1000, flush=True)'
    with child(script, cache) as first:
        assert line(first) == "True"
    (damaged,) = (cache / "thing").iterdir()
    (damaged / "file").write_text("")
    with child(script, cache) as one, child(script, cache) as two:
        assert (line(one), line(two)) == ("True", "True")
