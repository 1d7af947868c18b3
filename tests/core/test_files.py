"""Files and folders are whole or absent, and a disk that refuses is told in one wording."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core import files
from core.errors import HistoryUnavailable, StorageError
from core.files import file_sha256, put_in_place, read_regular, sha256, slug, storage_errors, work_folder, write_whole
from tests.checkout import CHECKOUT


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_the_old_one_or_the_new_one_and_never_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    def cut(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new and longer")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_who_reads_a_file_while_it_is_written_anew_reads_the_old_one_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    with path.open() as reader:
        write_whole(path, "new and longer")
        assert reader.read() == "old"
    assert path.read_text() == "new and longer"


def test_a_file_has_its_name_only_when_its_bytes_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[str]]] = []
    flush = os.fsync

    def watched(descriptor: int) -> None:
        seen.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, names(tmp_path)))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(tmp_path / "file", "text")
    (work, before), (folder, after) = seen
    assert work.startswith(".file.")
    assert before == [work]
    assert (folder, after) == (tmp_path.name, ["file"])


def test_a_folder_has_its_name_only_when_every_file_in_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[str, bool]] = []
    flush = os.fsync

    def watched(descriptor: int) -> None:
        flushed.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, (tmp_path / "final").exists()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    with work_folder(tmp_path, "work-") as work:
        (work / "below").mkdir()
        (work / "below" / "deep").write_text("x")
        (work / "flat").write_text("y")
        put_in_place(work, tmp_path / "final")
    assert [name for name, there in flushed if not there] == ["flat", "deep", "below", work.name]
    assert flushed[-1] == (tmp_path.name, True)
    assert names(tmp_path) == ["final"]


def test_a_folder_takes_the_place_of_another_whole(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with work_folder(tmp_path, "work-") as work:
            (work / content).write_text(content)
            put_in_place(work, tmp_path / "final")
    assert names(tmp_path) == ["final"]
    assert names(tmp_path / "final") == ["new"]


def test_a_work_folder_is_gone_when_making_failed(tmp_path: Path) -> None:
    def make() -> None:
        with work_folder(tmp_path / "new", "work-") as work:
            (work / "half").write_text("half")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make()
    assert names(tmp_path / "new") == []


WRITER = """
    import sys
    from pathlib import Path
    from core.files import write_whole

    number = 0
    print("writing", flush=True)
    while True:
        number += 1
        write_whole(Path(sys.argv[1]), str(number % 10) * 500_000)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    for pause in (0.0, 0.01, 0.03, 0.1):
        child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        assert child.stdout.readline() == "writing\n"
        try:
            child.wait(pause)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.communicate()
        if path.exists():
            text = path.read_text()
            assert text == text[0] * 500_000


def test_a_digest_of_a_file_is_that_of_its_bytes_however_many_pieces_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 3)
    for content in (b"", b"ab", b"abc", b"abcdefgh"):
        (tmp_path / "file").write_bytes(content)
        assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest() == sha256(content)
    assert sha256("ä") == sha256("ä".encode())


def test_a_slug_is_one_file_name_whatever_the_text() -> None:
    assert slug("ssh:imx93-b") == "ssh-imx93-b"
    assert slug("../a b/c:d_e.f") == "..-a-b-c-d_e.f"
    assert [slug(name) for name in ("", ".", "..")] == ["-", "-.", "-.."]


def test_only_a_regular_file_of_bounded_size_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_whole(tmp_path / "file", "12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    for path, most, reason in (("pipe", 0, "not a regular file"), ("file", 4, "more than 4"), (".", 0, "directory")):
        with pytest.raises(OSError, match=reason):
            read_regular(tmp_path / path, most)


def test_a_disk_that_refuses_is_told_with_what_was_done_and_why() -> None:
    with pytest.raises(StorageError) as caught, storage_errors("write `x`", "space", "--output y"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == "cannot write `x`: No space left on device\n  expected: space\nhint: --output y"
    with pytest.raises(HistoryUnavailable, match="cannot write `x`: odd"), storage_errors("write `x`", kind=HistoryUnavailable):
        raise OSError("odd")


def test_errors_that_are_not_the_disks_stay_what_they_are() -> None:
    with pytest.raises(FileNotFoundError), storage_errors("write `x`", only=files.FULL_OR_READ_ONLY):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")
