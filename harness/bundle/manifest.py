"""The manifest of a bundle: SHA-256 and size of every file, and what was changed, lost or added since."""

from __future__ import annotations

import gzip
import hashlib
import json
import stat
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import BundleError
from core.files import sha256

NAME = "manifest.json"
SCHEMA = 1
CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file: SHA-256 of its bytes, and how many they are."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file of a bundle."""

    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


def manifest_text(run: str, entries: dict[str, Entry]) -> str:
    """The manifest; `digest` covers all entries, so that one number stands for the bundle."""
    files = {name: {"sha256": entry.sha256, "bytes": entry.size} for name, entry in sorted(entries.items())}
    return json.dumps({"schema": SCHEMA, "run": run, "digest": digest_of(entries), "files": files}, indent=1) + "\n"


def digest_of(entries: dict[str, Entry]) -> str:
    """SHA-256 over names, sizes and hashes of all files, in the order of their names."""
    lines = [f"{entry.sha256} {entry.size} {name}\n" for name, entry in sorted(entries.items())]
    return sha256("".join(lines))


def entries_of(path: Path) -> dict[str, Entry]:
    """Every file of a bundle (folder or .tar.gz) but its manifest; BundleError when it cannot be read to its end."""
    return {name: entry for name, entry, _ in _files(path) if name != NAME}


def verify(path: Path) -> tuple[str, list[Finding]]:
    """The run of a bundle and everything that is not as its manifest says; BundleError without a readable manifest."""
    found: dict[str, Entry] = {}
    text = b""
    for name, entry, content in _files(path):
        if name == NAME:
            text = content
        elif name in found:
            return "", [Finding(name, "is there twice")]
        else:
            found[name] = entry
    run, promised = _read_manifest(path, text)
    findings = []
    for name in sorted({*found, *promised}):
        if name not in found:
            findings.append(Finding(name, "missing"))
        elif name not in promised:
            findings.append(Finding(name, "not in the manifest: it was added"))
        elif found[name] != promised[name]:
            findings.append(Finding(name, _difference(promised[name], found[name])))
    return run, findings


def _difference(promised: Entry, found: Entry) -> str:
    sizes = "" if found.size == promised.size else f", {promised.size} -> {found.size} bytes"
    return f"changed{sizes}: SHA-256 {found.sha256[:12]}, not {promised.sha256[:12]}"


def _read_manifest(path: Path, text: bytes) -> tuple[str, dict[str, Entry]]:
    try:
        content: dict[str, Any] = json.loads(text)
        promised = {str(name): Entry(str(file["sha256"]), int(file["bytes"])) for name, file in content["files"].items()}
        run, digest = str(content["run"]), str(content["digest"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"has a broken {NAME}: {error}" if text else f"has no {NAME}"
        raise BundleError(f"`{path}` {what}", "a bundle of `ethos-bench bundle`") from error
    if digest_of(promised) != digest:
        raise BundleError(
            f"the {NAME} of `{path}` was changed: its own digest does not cover its files", f"digest {digest[:12]}"
        )
    return run, promised


def _files(path: Path) -> Iterator[tuple[str, Entry, bytes]]:
    """(name, entry, content of the manifest) of every file."""
    if path.is_dir():
        yield from _folder_files(path)
        return
    try:
        with gzip.open(path) as packed:
            with tarfile.open(fileobj=packed, mode="r|") as archive:
                yield from _archive_files(archive)
            while rest := packed.read(CHUNK):  # to the checksum at its end
                if rest.strip(b"\0"):
                    raise BundleError(f"`{path}` has something behind its last file", "nothing there")
    except FileNotFoundError as error:
        raise BundleError(f"there is no bundle at `{path}`", "a folder or a .tar.gz of `ethos-bench bundle`") from error
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise BundleError(f"`{path}` is not whole: {error}", "a bundle that was written to its end") from error


def _folder_files(folder: Path) -> Iterator[tuple[str, Entry, bytes]]:
    for file in sorted(folder.rglob("*")):
        name, mode = file.relative_to(folder).as_posix(), file.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            yield name, Entry("a link or a device, no file", 0), b""
            continue
        with file.open("rb") as content:
            yield name, *_read(name, content)


def _archive_files(archive: tarfile.TarFile) -> Iterator[tuple[str, Entry, bytes]]:
    for member in archive:
        name = member.name.partition("/")[2] or member.name  # below the bundle's own folder
        if member.isdir():
            continue
        content = archive.extractfile(member) if member.isreg() else None
        if content is None:
            yield name, Entry("a link or a device, no file", 0), b""
            continue
        yield name, *_read(name, content)


def _read(name: str, content: IO[bytes]) -> tuple[Entry, bytes]:
    digest, size, kept = hashlib.sha256(), 0, b""
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if name == NAME:
            kept += chunk
    return Entry(digest.hexdigest(), size), kept
