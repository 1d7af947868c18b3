"""The cache: an entry is whole or absent, whoever writes and whatever kills them."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cache import STALE_SECONDS, cache_errors, cache_root, entry, key_of
from core.cache_use import let_go
from core.errors import StorageError
from tests.checkout import CHECKOUT

MAKER = """
    import os, sys, time
    from pathlib import Path
    from core.cache import entry

    def make(folder):
        with open(os.environ["COUNTER"], "a") as counter:
            counter.write("made\\n")
        (folder / "half").write_text("half")
        print("making", flush=True)
        time.sleep(float(os.environ["SECONDS"]))
        (folder / "whole").write_text("whole")

    print(entry("thing", {"a": 1}, make) / "whole", flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tmpfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder on a disk of 256 KiB."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root and the right to mount a small tmpfs")
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(folder))
    try:
        yield folder
    finally:
        let_go()  # a mark that is held keeps the disk busy
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def maker(tmp_path: Path, seconds: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "COUNTER": str(tmp_path / "counter"), "SECONDS": str(seconds), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", textwrap.dedent(MAKER)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def entries(cache: Path, kind: str = "thing") -> list[Path]:
    folder = cache / kind
    return sorted(folder.iterdir()) if folder.is_dir() else []


def left_behind(cache: Path) -> list[str]:
    return [path.name for path in (cache / "tmp").iterdir() if path.suffix != ".lock"]


def write(folder: Path) -> None:
    (folder / "file").write_text("made")


def test_an_entry_is_made_once_and_found_the_second_time(cache: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        write(folder)

    first, second = (entry("thing", {"a": 1, "b": [2]}, make) for _ in range(2))
    assert first == second
    assert (first / "file").read_text() == "made"
    assert len(made) == 1
    assert left_behind(cache) == []


def test_an_entry_appears_whole_by_one_rename_of_the_folder_it_was_made_in(cache: Path) -> None:
    inodes = []

    def make(folder: Path) -> None:
        write(folder)
        inodes.append(folder.stat().st_ino)

    assert entry("thing", {"a": 1}, make).stat().st_ino == inodes[0]


def test_everything_that_an_entry_depends_on_changes_its_key_and_the_order_of_keys_does_not() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert len({key_of({"a": 1}), key_of({"a": 2}), key_of({"b": 1}), key_of({"a": 1, "b": None})}) == 4


def test_an_entry_says_what_it_was_made_from(cache: Path) -> None:
    assert '"a": 1' in (entry("thing", {"a": 1}, write) / "entry.json").read_text()


def test_the_folder_is_the_environments_else_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv("ETHOS_BENCH_CACHE")
    assert cache_root().name == "ethos-bench"


def test_a_make_that_fails_leaves_no_entry_and_the_next_one_works(cache: Path) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        entry("thing", {"a": 1}, fail)
    assert entries(cache) == []
    assert left_behind(cache) == []
    assert (entry("thing", {"a": 1}, write) / "file").exists()


def test_ctrl_c_in_the_middle_leaves_no_entry(cache: Path) -> None:
    def interrupted(folder: Path) -> None:
        write(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        entry("thing", {"a": 1}, interrupted)
    assert entries(cache) == []
    assert left_behind(cache) == []


def test_of_two_processes_that_want_the_same_entry_only_one_works(cache: Path, tmp_path: Path) -> None:
    both = [maker(tmp_path, 0.5) for _ in range(2)]
    said = [process.communicate(timeout=30)[0].splitlines()[-1] for process in both]
    assert said[0] == said[1]
    assert Path(said[0]).read_text() == "whole"
    assert (tmp_path / "counter").read_text() == "made\n"


def test_a_process_killed_in_the_middle_leaves_no_half_entry_and_the_next_one_works(cache: Path, tmp_path: Path) -> None:
    killed = maker(tmp_path, 60)
    assert killed.stdout
    assert killed.stdout.readline() == "making\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert entries(cache) == []
    said = maker(tmp_path, 0).communicate(timeout=30)[0]
    assert Path(said.splitlines()[-1]).read_text() == "whole"
    assert len(entries(cache)) == 1


def test_what_a_killed_process_left_behind_is_swept_after_a_day_and_not_before(cache: Path) -> None:
    old, new = cache / "tmp" / "thing-old", cache / "tmp" / "thing-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        write(folder)
    past = time.time() - STALE_SECONDS - 60
    os.utime(old, (past, past))
    entry("thing", {"a": 1}, write)
    assert left_behind(cache) == ["thing-new"]


def test_a_full_disk_is_an_error_with_the_folder_and_the_way_out_and_leaves_nothing_half_written(tmpfs: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "big").write_bytes(b"x" * 2**20)

    with pytest.raises(StorageError) as caught:
        entry("thing", {"a": 1}, fill)
    assert f"`{tmpfs}`" in caught.value.found
    assert "No space left" in caught.value.found
    assert "ETHOS_BENCH_CACHE=" in caught.value.hint
    assert entries(tmpfs) == []
    assert left_behind(tmpfs) == []
    assert (entry("thing", {"a": 1}, write) / "file").exists()


def test_a_read_only_disk_is_an_error_with_the_folder(tmpfs: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tmpfs)], check=True)
    with pytest.raises(StorageError, match=r"small-disk.*Read-only") as caught:
        entry("thing", {"a": 1}, write)
    assert "ETHOS_BENCH_CACHE=" in caught.value.hint


def test_an_entry_that_is_there_can_be_read_from_a_read_only_disk(tmpfs: Path) -> None:
    made = entry("thing", {"a": 1}, write)
    let_go()
    subprocess.run(["mount", "-o", "remount,ro", str(tmpfs)], check=True)
    assert entry("thing", {"a": 1}, write) == made


def test_a_limit_on_file_sizes_is_a_full_disk_too(cache: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "big").write_bytes(b"x" * 2**20)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    try:
        with pytest.raises(StorageError, match="File too large"):
            entry("thing", {"a": 1}, fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert entries(cache) == []


def test_a_cache_folder_that_is_a_file_is_an_error_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a-file"
    place.write_text("not a folder")
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(place))
    with pytest.raises(StorageError, match="a-file"):
        entry("thing", {"a": 1}, write)


def test_errors_that_are_not_about_space_stay_what_they_are() -> None:
    with pytest.raises(FileNotFoundError), cache_errors(Path("/here")):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")
    with pytest.raises(StorageError, match="/here"), cache_errors(Path("/here")):
        raise OSError(errno.ENOSPC, "No space left")


def test_a_cache_at_a_url_is_refused_and_makes_no_folder_of_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETHOS_BENCH_CACHE", "s3://bucket/cache")
    with pytest.raises(StorageError, match="is a URL"):
        entry("thing", {"a": 1}, lambda folder: None)
    assert not list(tmp_path.iterdir())
