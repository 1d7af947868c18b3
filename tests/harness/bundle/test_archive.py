"""Every byte of an archive is accounted for: whatever we would not have written is no whole bundle."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BundleError
from harness.bundle.archive import GZIP_HEAD, verify_archive, write_archive
from harness.bundle.manifest import NAME, Entry, Manifest, folder_entries, read_manifest

RUN = "20260101T000000-1"
TOP = f"ethos-bench-{RUN}"
Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small archive with a name that needs an extended header."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "placement").mkdir()
    for name, text in {"results.json": "{}", "placement/größe.json": "x" * 700, "empty.md": ""}.items():
        (folder / name).write_text(text)
    manifest = Manifest(RUN, folder_entries(folder))
    (folder / NAME).write_text(manifest.text())
    write_archive(folder, manifest, folder / "made.tar.gz")
    return (folder / "made.tar.gz").read_bytes()


def members_of(content: bytes) -> Members:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        return [(member, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]


def packed(members: Members, **options: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, pax_headers=options) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return zipped(raw.getvalue())


def zipped(content: bytes, level: int = 9) -> bytes:
    return GZIP_HEAD + gzip.compress(content, level, mtime=0)[len(GZIP_HEAD) :]


def file(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def link(name: str, kind: bytes, target: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def changed(members: Members, field: str, value: object) -> Members:
    setattr(members[1][0], field, value)
    return members


def second_manifest(members: Members) -> Members:
    return [*members, file(f"{TOP}/{NAME}", members[0][1])]


HOSTILE: dict[str, Callable[[Members], Members]] = {
    "a second manifest": second_manifest,
    "a file of its own top folder": lambda members: [*members, file("zzz/x")],
    "a file at the top": lambda members: [*members, file("zzz")],
    "a file under ..": lambda members: [*members, file("../x")],
    "a file under .. in the folder": lambda members: [*members, file(f"{TOP}/zz/../../x")],
    "a file of the root": lambda members: [*members, file("/etc/x")],
    "a link": lambda members: [*members, link(f"{TOP}/zz", tarfile.SYMTYPE, "/etc/passwd")],
    "a hard link": lambda members: [*members, link(f"{TOP}/zz", tarfile.LNKTYPE, f"{TOP}/results.json")],
    "a device": lambda members: [*members, link(f"{TOP}/zz", tarfile.CHRTYPE, "")],
    "a folder": lambda members: [*members, link(f"{TOP}/zz", tarfile.DIRTYPE, "")],
    "a file twice": lambda members: [*members, members[-1]],
    "another order": lambda members: [members[0], *members[:0:-1]],
    "no manifest": lambda members: members[1:],
    "a set-uid bit": lambda members: changed(members, "mode", 0o4755),
    "an owner": lambda members: changed(members, "uid", 1000),
    "a name of an owner": lambda members: changed(members, "uname", "root"),
    "a time": lambda members: changed(members, "mtime", 1),
    "a comment": lambda members: changed(members, "pax_headers", {"comment": "hidden"}),
    "more than the manifest says": lambda members: [*members, file(f"{TOP}/zz", bytes(5_000))],
}  # fmt: skip


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_we_would_not_have_written_is_refused(
    whole: bytes, tmp_path: Path, harm: Callable[[Members], Members]
) -> None:
    (tmp_path / "a.tar.gz").write_bytes(packed(members_of(whole)))
    assert verify_archive(tmp_path / "a.tar.gz")[2] == []
    (tmp_path / "a.tar.gz").write_bytes(packed(harm(members_of(whole))))
    with pytest.raises(BundleError):
        verify_archive(tmp_path / "a.tar.gz")


def test_a_comment_on_the_whole_archive_is_refused(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(packed(members_of(whole), comment="hidden"))
    with pytest.raises(BundleError):
        verify_archive(tmp_path / "a.tar.gz")


def test_the_same_members_packed_by_another_hand_are_the_same_bundle(whole: bytes, tmp_path: Path) -> None:
    for name, content in (("ours", whole), ("theirs", zipped(gzip.decompress(whole), 1))):
        (tmp_path / name).write_bytes(content)
        manifest, _, findings = verify_archive(tmp_path / name)
        assert (manifest.run, findings) == (RUN, [])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_byte_of_what_is_packed_counts(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    content = bytearray(gzip.decompress(whole))
    content[position % len(content)] ^= flip
    path = tmp_path_factory.getbasetemp() / "flipped.tar.gz"
    path.write_bytes(zipped(bytes(content)))
    try:
        findings = verify_archive(path)[2]
    except BundleError:
        return
    assert findings


@pytest.mark.parametrize("length", [9, 10, 300, -1, -8, -9])
def test_a_cut_is_seen_wherever_it_is(whole: bytes, tmp_path: Path, length: int) -> None:
    (tmp_path / "a.tar.gz").write_bytes(whole[:length])
    with pytest.raises(BundleError, match="not whole"):
        verify_archive(tmp_path / "a.tar.gz")


@pytest.mark.parametrize("part", ["manifest", "file", "header"])
def test_an_archive_that_unpacks_without_end_takes_no_memory(whole: bytes, tmp_path: Path, part: str) -> None:
    """14 MB of an archive unpacked 3 GB of a manifest."""
    size = 1 << 26
    member = tarfile.TarInfo(f"{TOP}/{NAME if part == 'manifest' else 'zz'}")
    member.size = size
    if part == "header":
        member.type = tarfile.XHDTYPE
    before = b"" if part == "manifest" else gzip.decompress(whole).rstrip(b"\0")
    with (tmp_path / "a.tar.gz").open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as bomb:
        bomb.write(before + bytes(-len(before) % 512) + member.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(size >> 20):
            bomb.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(BundleError):
        verify_archive(tmp_path / "a.tar.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24


def test_a_manifest_with_names_elsewhere_is_refused(tmp_path: Path) -> None:
    text = Manifest(RUN, {"../x": Entry("a" * 64, 1)}).text()
    with pytest.raises(BundleError, match="names files elsewhere"):
        read_manifest(text.encode(), "it")
