"""A bundle in one file: a .tar.gz of which every byte is accounted for.

Verified as it streams by, within bounds, and never unpacked: each header must be the one that we would write for this name and
size, each gap zero, and nothing may stand behind the end. What Deflate's bits spell is the one thing with several spellings.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from core.errors import BundleError
from core.files import CHUNK_BYTES, require_regular
from harness.bundle.manifest import EXPECTED, MOST_BYTES, NAME, Entry, Finding, Manifest, is_inside, ordered, read_manifest

BLOCK = tarfile.BLOCKSIZE
GZIP_HEAD = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 0xFF))
"""Deflate; no flags, hence no name, comment or extra field; no time; best compression; unknown system."""
TRAILER_BYTES = 8
MOST_HEADER_BYTES = 1 << 14
"""Of the extended header that a long name needs."""
MOST_MEMBERS = 100_000


def write_archive(folder: Path, manifest: Manifest, file: Path) -> None:
    """Write a bundle's folder into one file: the manifest first, then all others in the order of their names."""
    with file.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed:
        sizes = {NAME: len(manifest.text().encode()), **{name: entry.size for name, entry in manifest.files.items()}}
        total = 0
        for name in (NAME, *ordered(manifest.files)):
            head = header(f"{manifest.top}/{name}", sizes[name])
            packed.write(head)
            with (folder / name).open("rb") as content:
                while chunk := content.read(CHUNK_BYTES):
                    packed.write(chunk)
            packed.write(bytes(-sizes[name] % BLOCK))
            total += len(head) + sizes[name] + -sizes[name] % BLOCK
        packed.write(bytes(_end(total)))


def header(name: str, size: int) -> bytes:
    """The header of a member as we write it: a regular file of nobody's, without a time."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def verify_archive(path: Path) -> tuple[Manifest, bytes, list[Finding]]:
    """The manifest of an archive, its bytes, and everything that is not as it says; BundleError for what is no such archive."""
    try:
        require_regular(path)
        with path.open("rb") as file:
            return _verify(_Unpacked(file), path)
    except FileNotFoundError as error:
        raise BundleError(f"there is no bundle at `{path}`", "a folder or a .tar.gz of `ethos-bench bundle`") from error
    except (tarfile.TarError, OSError, EOFError, ValueError, LookupError, OverflowError, zlib.error) as error:
        reason = str(getattr(error, "strerror", "") or error)
        raise BundleError(f"`{path}` is not whole: {reason}", "a bundle that was written to its end") from error


def _verify(stream: _Unpacked, path: Path) -> tuple[Manifest, bytes, list[Finding]]:
    first = _member(stream)
    if first is None or not first[0].endswith(f"/{NAME}") or first[1] > MOST_BYTES:
        raise BundleError(f"`{path}` does not begin with a {NAME} of at most {MOST_BYTES} bytes", EXPECTED)
    content = stream.take(first[1])
    stream.zeros(-first[1] % BLOCK)
    manifest = read_manifest(content, str(path))
    if first[0] != f"{manifest.top}/{NAME}":
        raise BundleError(f"`{path}` has the folder `{first[0].rpartition('/')[0][:100]}`", f"`{manifest.top}`, of its run")
    found: dict[str, Entry] = {}
    for name, entry in _members(stream, manifest, path):
        found[name] = entry
    stream.end(_end(stream.taken - BLOCK) - BLOCK)
    return manifest, content, list(manifest.differences(found))


def _members(stream: _Unpacked, manifest: Manifest, path: Path) -> Iterator[tuple[str, Entry]]:
    before = b""
    room = sum(entry.size for entry in manifest.files.values())
    for _ in range(MOST_MEMBERS):
        member = _member(stream)
        if member is None:
            return
        full, size = member
        top, _, name = full.partition("/")
        if top != manifest.top or not is_inside(name) or name == NAME:
            raise BundleError(f"`{path}` holds `{full[:200]}`", f"files in `{manifest.top}` only, and one {NAME}")
        if name.encode() <= before:
            raise BundleError(
                f"`{path}` holds `{name[:200]}` twice, or out of order", "each file once, in the order of their names"
            )
        before, room = name.encode(), room - size
        if room < 0:
            raise BundleError(f"`{path}` holds more than its {NAME} says, at `{name[:200]}`", EXPECTED)
        yield name, Entry(stream.digest(size), size)
        stream.zeros(-size % BLOCK)
    raise BundleError(f"`{path}` holds more than {MOST_MEMBERS} files", EXPECTED)


def _member(stream: _Unpacked) -> tuple[str, int] | None:
    """Name and size of the next member, None at the end; ValueError for a header that we would not write."""
    head = stream.take(BLOCK)
    if not head.strip(b"\0"):
        return None
    with tarfile.open(fileobj=io.BytesIO(_whole_header(stream, head)), mode="r:") as archive:
        member = archive.next()
        raw = archive.fileobj.getvalue() if isinstance(archive.fileobj, io.BytesIO) else b""
    if member is None or raw != header(member.name, member.size):
        raise ValueError(f"the header of `{member.name[:200] if member else ''}` is not one that we write")
    return member.name, member.size


def _whole_header(stream: _Unpacked, head: bytes) -> bytes:
    """The first block with what belongs to it when it is an extended one."""
    if head[156:157] != tarfile.XHDTYPE:
        return head
    size = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape").size
    if not 0 < size <= MOST_HEADER_BYTES:
        raise ValueError(f"an extended header of {size} bytes")
    return head + stream.take(size + -size % BLOCK + BLOCK)


def _end(total: int) -> int:
    """How many zeros stand behind the last member of an archive."""
    return 2 * BLOCK + -(total + 2 * BLOCK) % tarfile.RECORDSIZE


class _Unpacked:
    """The content of a gzip file of one part, piece by piece; `taken` is how much of it was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        if file.read(len(GZIP_HEAD)) != GZIP_HEAD:
            raise ValueError("it does not begin as our archives do")
        self._engine = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        self._waiting = b""
        self._check = self._length = 0
        self.taken = 0

    def _some(self, most: int) -> bytes:
        while not self._engine.eof:
            packed = self._engine.unconsumed_tail or self._file.read(CHUNK_BYTES)
            piece = self._engine.decompress(packed, most)
            if piece:
                self._check, self._length = zlib.crc32(piece, self._check), self._length + len(piece)
                return piece
            if not packed:
                raise EOFError("it ends early")
        return b""

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes."""
        while size:
            piece = self._some(min(size, CHUNK_BYTES))
            if not piece:
                raise EOFError("it ends early")
            size -= len(piece)
            self.taken += len(piece)
            yield piece

    def take(self, size: int) -> bytes:
        """The next `size` bytes in one."""
        return b"".join(self.pieces(size))

    def digest(self, size: int) -> str:
        """The SHA-256 of the next `size` bytes, none of which are kept."""
        found = hashlib.sha256()
        for piece in self.pieces(size):
            found.update(piece)
        return found.hexdigest()

    def zeros(self, size: int) -> None:
        """The next `size` bytes, which are zero."""
        if self.take(size).strip(b"\0"):
            raise ValueError("something stands in the gap behind a file")

    def end(self, zeros: int) -> None:
        """The rest: zeros, the right checksum, and nothing behind them. One block of these zeros was read before."""
        self.zeros(zeros)
        if self._some(1):
            raise ValueError("something stands behind its last file")
        trailer = self._engine.unused_data + self._file.read(TRAILER_BYTES + 1)
        if trailer != self._check.to_bytes(4, "little") + (self._length & 0xFFFFFFFF).to_bytes(4, "little"):
            raise ValueError("its checksum is wrong, or something stands behind its last file")
