"""The manifest of a bundle: SHA-256 and size of every file, and what was changed, lost or added since.

docs/reference/bundles.md has the form, which has one spelling: whatever is not byte for byte what we would write is named. It
proves that nothing was changed, not who made it: that is for a signature (`harness.bundle.signature`).
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import BundleError
from core.files import CHUNK_BYTES, read_regular
from core.json_text import parse_json
from core.safe_paths import is_safe_name

NAME = "manifest.json"
SCHEMA = 2
MOST_BYTES = 16 << 20
"""Of a manifest: some 100,000 files."""
DOMAIN = "ethos-bench bundle"
EXPECTED = "a bundle of `ethos-bench bundle`"


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


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds: the run, and every file but the manifest itself."""

    run: str
    files: Mapping[str, Entry]

    @property
    def top(self) -> str:
        """The only folder of an archive."""
        return f"ethos-bench-{self.run}"

    @property
    def digest(self) -> str:
        """One number for the whole bundle: SHA-256 over every field with its length before it; no two are spelled alike."""
        digest = hashlib.sha256()
        fields = [DOMAIN, str(SCHEMA), self.run, str(len(self.files))]
        for name in ordered(self.files):
            fields += [name, str(self.files[name].size), self.files[name].sha256]
        for field in fields:
            content = field.encode()
            digest.update(len(content).to_bytes(8, "big") + content)
        return digest.hexdigest()

    def text(self) -> str:
        """The manifest as its file holds it."""
        files = {name: {"sha256": self.files[name].sha256, "bytes": self.files[name].size} for name in ordered(self.files)}
        content = {"schema": SCHEMA, "run": self.run, "digest": self.digest, "files": files}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def differences(self, found: Mapping[str, Entry]) -> Iterator[Finding]:
        """Every file that is not as it was promised, by name."""
        for name in ordered({*found, *self.files}):
            if name not in found:
                yield Finding(name, "missing")
            elif name not in self.files:
                yield Finding(name, "not in the manifest: it was added")
            elif found[name] != self.files[name]:
                yield Finding(name, _difference(self.files[name], found[name]))


def ordered(names: Iterable[str]) -> list[str]:
    """Names in the order of their bytes."""
    return sorted(names, key=lambda name: name.encode(errors="surrogatepass"))


def read_manifest(content: bytes, what: str) -> Manifest:
    """The manifest of a file's bytes; BundleError when it is broken, or spelled in another way than ours."""
    try:
        value = parse_json(content)
        schema = value["schema"]
        files = {name: Entry(str(file["sha256"]), file["bytes"]) for name, file in value["files"].items()}
        made = Manifest(str(value["run"]), files)
        digest, text = value["digest"], made.text().encode()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(f"`{what}` has a broken {NAME}: {str(error)[:200]}", EXPECTED) from error
    if schema != SCHEMA:
        found = f"`{what}` is a bundle of form {str(schema)[:20]}"
        raise BundleError(f"{found}: the digest of form 1 does not cover its run", f"form {SCHEMA}", "ethos-bench bundle RUN")
    if digest != made.digest:
        found = f"the {NAME} of `{what}` was changed: its own digest does not cover its run and its files"
        raise BundleError(found, f"digest {made.digest[:12]}")
    if text != content:
        raise BundleError(f"the {NAME} of `{what}` is not spelled as we write it", EXPECTED)
    if not (is_safe_name(made.run) and all(is_inside(name) for name in files)):
        raise BundleError(f"the {NAME} of `{what}` names files elsewhere", "names below the bundle's own folder")
    return made


def is_inside(name: str) -> bool:
    """Whether a name with `/` in it stays below its folder."""
    return all(map(is_safe_name, name.split("/")))


def folder_entries(folder: Path) -> dict[str, Entry]:
    """Every file of a folder but its manifest; what is no regular file, or an empty folder, is an entry of its own kind."""
    found: dict[str, Entry] = {}
    for path in folder.rglob("*"):
        name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        if stat.S_ISDIR(mode):
            if not any(path.iterdir()):
                found[name] = Entry("an empty folder", 0)
        elif not stat.S_ISREG(mode):
            found[name] = Entry("a link or a device, no file", 0)
        elif name != NAME:
            found[name] = _entry(path)
    return found


def verify_folder(folder: Path) -> tuple[Manifest, bytes, list[Finding]]:
    """The manifest of a folder, its bytes, and everything that is not as it says; BundleError without a readable manifest."""
    try:
        content = read_regular(folder / NAME, MOST_BYTES)
    except FileNotFoundError as error:
        raise BundleError(f"`{folder}` has no {NAME}", EXPECTED) from error
    except OSError as error:
        raise BundleError(f"the {NAME} of `{folder}` cannot be read: {error.strerror or error}", EXPECTED) from error
    manifest = read_manifest(content, str(folder))
    return manifest, content, list(manifest.differences(folder_entries(folder)))


def _entry(path: Path) -> Entry:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return Entry(digest.hexdigest(), size)


def _difference(promised: Entry, found: Entry) -> str:
    sizes = "" if found.size == promised.size else f", {promised.size} -> {found.size} bytes"
    return f"changed{sizes}: SHA-256 {found.sha256[:12]}, not {promised.sha256[:12]}"
