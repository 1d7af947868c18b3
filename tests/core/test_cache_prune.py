"""The cache is pruned by age and by size, the longest unused first, and says so when its limit acts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.cache import entry
from core.cache_prune import LIMIT, bytes_of, entries_of, limit_bytes, prune, seconds_of, size_text
from core.cache_use import let_go
from core.errors import UsageError
from tests.core.cache_child import child, line

DAY = 86400


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(folder: Path) -> None:
    (folder / "file").write_bytes(bytes(10_000))


def filled(days: tuple[int, ...]) -> list[Path]:
    """Entries that were used last so many days ago, and that nobody uses now."""
    folders = [entry("thing", {"a": day}, make) for day in days]
    let_go()
    for folder, day in zip(folders, days, strict=True):
        os.utime(folder, (time.time() - day * DAY,) * 2)
    return folders


def there(folders: list[Path]) -> list[bool]:
    return [folder.is_dir() for folder in folders]


def test_what_was_not_used_for_longer_goes(cache: Path) -> None:
    folders = filled((40, 31, 29, 0))
    done = prune(cache, older_than_s=seconds_of("30d"))
    assert there(folders) == [False, False, True, True]
    assert len(done.removed) == 2
    assert done.removed_bytes > 20_000
    assert done.left_bytes == sum(entry.size_bytes for entry in entries_of(cache))


def test_the_longest_unused_go_until_the_size_is_reached(cache: Path) -> None:
    folders = filled((1, 9, 5))
    prune(cache, to_bytes=25_000)
    assert there(folders) == [True, False, True]


def test_reading_an_entry_is_using_it(cache: Path) -> None:
    folders = filled((40, 31))
    entry("thing", {"a": 40}, make)
    let_go()
    prune(cache, older_than_s=30 * DAY)
    assert there(folders) == [True, False]


def test_what_is_in_the_cache_and_is_no_entry_stays(cache: Path) -> None:
    (cache / "fvp" / "FVP_Corstone_SSE-300").mkdir(parents=True)
    (cache / "fvp" / "FVP_Corstone_SSE-300" / "installed.json").write_text("{}")
    filled((40,))
    prune(cache, to_bytes=0, older_than_s=0)
    assert (cache / "fvp" / "FVP_Corstone_SSE-300" / "installed.json").is_file()
    assert entries_of(cache) == []
    assert list((cache / "tmp").glob("pruned-*")) == []


def test_a_session_keeps_the_cache_within_its_limit_and_says_so(cache: Path) -> None:
    folders = filled((9, 5, 1))
    os.environ[LIMIT] = "20kB"
    try:
        script = """
            said = []
            entry("thing", {"a": "new"}, make, tell=said.append)
            print(said, flush=True)
        """
        with child(script, cache) as session:
            said = line(session)
    finally:
        del os.environ[LIMIT]
    assert there(folders) == [False, False, True]
    assert "over its limit of 20kB: removed 2 entries (20" in said
    assert f"{LIMIT}=40kB keeps more" in said


def test_without_a_limit_nothing_is_removed_and_nothing_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "none")
    assert limit_bytes() is None
    monkeypatch.delenv(LIMIT)
    assert limit_bytes() == 20 * 10**9


def test_sizes_and_times_are_read_as_people_write_them() -> None:
    assert [bytes_of(text) for text in ("10GB", "1.5 MB", "2GiB", "7")] == [10**10, 1_500_000, 2**31, 7]
    assert [seconds_of(text) for text in ("12h", "30d", "2w")] == [43200, 30 * DAY, 14 * DAY]
    assert [bytes_of(size_text(size)) for size in (7, 2000, 1_500_000, 10**10)] == [7, 2000, 1_500_000, 10**10]
    for wrong in ("10 XB", "", "-1GB"):
        with pytest.raises(UsageError, match="is no size"):
            bytes_of(wrong)
    for wrong in ("30", "d", "3m"):
        with pytest.raises(UsageError, match="is no time"):
            seconds_of(wrong)


def test_an_entry_that_is_being_made_is_none_yet(cache: Path) -> None:
    def slow(folder: Path) -> None:
        make(folder)
        (folder / "entry.json").write_text("{}")
        assert entries_of(cache) == []
        assert prune(cache, to_bytes=0, older_than_s=0).removed == ()

    assert (entry("thing", {"a": 1}, slow) / "file").is_file()
