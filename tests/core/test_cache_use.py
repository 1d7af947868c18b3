"""Nothing that a running process uses is removed, whatever ends processes; what only the dead used is."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from core import cache_use
from core.cache import entry
from core.cache_prune import names_in_use, prune
from core.cache_use import FOLDER, claim, let_go
from tests.core.cache_child import child, line

USER = """
    print(entry("thing", {"a": 1}, make), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(folder: Path) -> None:
    (folder / "file").write_text("made")


def test_what_a_running_process_uses_stays_and_goes_when_it_was_killed(cache: Path) -> None:
    with child(USER, cache) as user:
        folder = Path(line(user))
        done = prune(cache, to_bytes=0)
        assert (done.removed, [kept.folder for kept in done.in_use]) == ((), [folder])
        assert (folder / "file").is_file()
        user.send_signal(signal.SIGKILL)
        user.wait(30)
    assert [gone.folder for gone in prune(cache, to_bytes=0).removed] == [folder]
    assert not folder.exists()
    assert list((cache / FOLDER).glob("*.used")) == []


def test_an_entry_that_two_use_stays_until_both_have_ended(cache: Path) -> None:
    with child(USER, cache) as first:
        line(first)
        with child(USER, cache) as second:
            line(second)
            first.kill()
            first.wait(30)
            assert prune(cache, to_bytes=0).removed == ()
    assert len(prune(cache, to_bytes=0).removed) == 1


def test_a_process_that_ends_leaves_no_mark(cache: Path) -> None:
    with child('print(entry("thing", {"a": 1}, make), flush=True)', cache) as user:
        line(user)
        user.wait(30)
    assert [path.name for path in (cache / FOLDER).iterdir()] == ["deciding.lock"]


def test_our_own_entries_stay_until_we_let_go(cache: Path) -> None:
    folder = entry("thing", {"a": 1}, make)
    assert names_in_use(cache) == {f"thing/{folder.name}"}
    assert prune(cache, to_bytes=0).removed == ()
    let_go()
    assert len(prune(cache, to_bytes=0).removed) == 1


def test_an_entry_that_is_marked_before_it_is_made_stays_from_its_first_moment(cache: Path) -> None:
    assert not claim(cache, cache / "thing" / "key")
    (cache / "thing" / "key").mkdir(parents=True)
    (cache / "thing" / "key" / "entry.json").write_text('{"files": {}}')
    assert prune(cache, to_bytes=0).removed == ()
    let_go()


def test_who_lets_go_while_others_look_uses_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = cache_use._is_held

    def held_until_looked_at(lock: Path) -> bool:
        found = held(lock)
        lock.with_suffix(".used").unlink()
        return found

    entry("thing", {"a": 1}, make)
    monkeypatch.setattr(cache_use, "_is_held", held_until_looked_at)
    assert cache_use.claimed(cache) == frozenset()


READER = """
    from core.cache_use import let_go
    print("reading", flush=True)
    for turn in range(100_000):
        folder = entry("thing", {"a": turn % 3}, make)
        assert (folder / "file").read_text() == "made" * 1000
        if turn % 5 == 0:
            let_go()
        if turn and turn % 60 == 0:
            print(turn, flush=True)
"""


def test_who_reads_while_others_prune_always_finds_whole_entries(cache: Path) -> None:
    with child(READER, cache) as reader:
        assert line(reader) == "reading"
        removed, end = 0, time.monotonic() + 20
        while removed < 15 and time.monotonic() < end:
            removed += len(prune(cache, to_bytes=0).removed)
            assert reader.poll() is None, "the reader found an entry gone or cut"
        assert line(reader)
    assert removed >= 15
