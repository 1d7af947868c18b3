"""Installing Arm's FVPs: published archives with their SHA-256, or a file of the user's. The EULA is the user's to accept."""

from __future__ import annotations

import contextlib
import json
import platform as machine
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.cache import cache_errors
from core.errors import RunError, ToolMissing, UsageError
from core.files import file_sha256, put_in_place
from core.processes import run_child
from core.progress import Progress
from targets.fvp.discovery import find, install_folder
from targets.fvp.platforms import PLATFORMS, Platform

SOURCE = "PyPI mlia-ethos-u 0.2.0, mlia/backend/corstone/install.py"
ADDRESS = "https://developer.arm.com/-/cdn-downloads/permalink/FVPs-Corstone-IoT/"
PAGE = "https://developer.arm.com/Tools%20and%20Software/Fixed%20Virtual%20Platforms"
INSTALL_SECONDS = 1800.0
CHUNK_BYTES = 1 << 20
NET_SECONDS = 60.0


@dataclass(frozen=True)
class Archive:
    """An archive that Arm publishes: its address and the SHA-256 that `source` gives for it."""

    address: str
    sha256: str
    source: str = SOURCE


def _archive(name: str, sha256: str) -> Archive:
    return Archive(ADDRESS + name, sha256)


ARCHIVES: Mapping[tuple[str, str], Archive] = {
    ("SSE-300", "x86_64"): _archive("Corstone-300/FVP_Corstone_SSE-300_11.24_13_Linux64.tgz",
                                    "6ea4096ecf8a8c06d6e76e21cae494f0c7139374cb33f6bc3964d189b84539a9"),
    ("SSE-300", "aarch64"): _archive("Corstone-300/FVP_Corstone_SSE-300_11.24_13_Linux64_armv8l.tgz",
                                     "9b43da6a688220c707cd1801baf9cf4f5fb37d6dc77587b9071347411a64fd56"),
    ("SSE-310", "x86_64"): _archive("Corstone-310/FVP_Corstone_SSE-310_11.24_13_Linux64.tgz",
                                    "616ecc0e82067fe0684790cf99638b3496f9ead11051a58d766e8258e766c556"),
    ("SSE-310", "aarch64"): _archive("Corstone-310/FVP_Corstone_SSE-310_11.24_13_Linux64_armv8l.tgz",
                                     "61be18564a7d70c8eb73736e433a65cc16ae4b59f9b028ae86d258e2c28af526"),
    ("SSE-320", "x86_64"): _archive("Corstone-320/FVP_Corstone_SSE-320_11.27_25_Linux64.tgz",
                                    "6986af8805de54fa8dcbc54ea2cd63b305ebf5f1c07d3cba09641e2f8cc4e2f5"),
    ("SSE-320", "aarch64"): _archive("Corstone-320/FVP_Corstone_SSE-320_11.27_25_Linux64_armv8l.tgz",
                                     "6766fd2ba138473c6b01c7e2f98125439ba68b638a08c6d11e3e1aeffb88878a"),
}  # fmt: skip
"""(platform, machine) -> archive, exactly as published in SOURCE."""


@dataclass(frozen=True)
class Installed:
    """What was installed: the folder, the archive's name and SHA-256, and where that hash is known from ("" for nowhere)."""

    folder: str
    archive: str
    sha256: str
    known_from: str


def install(name: str, *, accept_eula: bool, archive: Path | None, tell: Progress) -> Installed:
    """Install a platform's FVP from `archive`, else from Arm's published archive.

    UsageError without `accept_eula` (nothing is fetched or started before), or when an FVP is there already; ToolMissing when
    the archive cannot be had or is not the published one; RunError when Arm's installer fails.
    """
    platform = next(platform for platform in PLATFORMS if platform.name == name)
    _require_consent(name, accept_eula)
    folder = install_folder(platform)
    if folder.exists():
        raise UsageError(f"`{folder}` is there already", "no earlier installation", f"rm -r '{folder}'")
    with cache_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as place:
            work = Path(place)
            file = archive or _download(_published(name), work, tell)
            sha256 = _hash(file)
            done = Installed(str(folder), file.name, sha256, _known_from(sha256))
            known = f"as in {done.known_from}" if done.known_from else "known from nowhere"
            tell(f"{done.archive}: SHA-256 {done.sha256}, {known}")
            _run_installer(_unpack(file, work / "unpacked", platform), work / "installed", tell)
            (work / "installed" / "installed.json").write_text(json.dumps(asdict(done), indent=1), "utf-8")
            put_in_place(work / "installed", folder)
    if find(platform, folder, {}).found is None:
        shutil.rmtree(folder)
        raise RunError(f"Arm's installer left no `{platform.binaries[0]}`", f"an archive of Corstone {name}")
    return done


def _require_consent(name: str, accept_eula: bool) -> None:
    if not accept_eula:
        raise UsageError(
            "Arm's End User Licence Agreement was not accepted, and only you can accept it: nothing was fetched or installed",
            f"--accept-eula, after reading it (it is in the archive; {PAGE})",
            f"ethos-bench fvp install --accept-eula {name}",
        )


def _published(name: str) -> Archive:
    """The archive for this machine; ToolMissing without one whose hash is published: nothing is fetched unchecked."""
    found = ARCHIVES.get((name, machine.machine())) if machine.system() == "Linux" else None
    if found is None:
        raise ToolMissing(
            f"no FVP of Corstone {name} for {machine.system()} {machine.machine()} has a published SHA-256: not downloaded",
            f"--archive FILE, from {PAGE}",
        )
    return found


def _download(archive: Archive, folder: Path, tell: Progress) -> Path:
    """The archive's file, whose SHA-256 is the published one."""
    tell(f"downloading {archive.address}")
    path = folder / archive.address.rsplit("/", 1)[1]
    try:
        with urllib.request.urlopen(archive.address, timeout=NET_SECONDS) as answer, path.open("wb") as file:  # noqa: S310  # nosec B310
            shutil.copyfileobj(answer, file, CHUNK_BYTES)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise ToolMissing(
            f"cannot download {archive.address}: {reason}", f"the file, from {PAGE}", "ethos-bench fvp install --archive FILE"
        ) from error
    found = _hash(path)
    if found != archive.sha256:
        raise ToolMissing(f"{archive.address} has SHA-256 {found}: not installed", f"{archive.sha256}, as in {archive.source}")
    return path


def _hash(file: Path) -> str:
    if not file.is_file():
        raise UsageError(f"archive `{file}` does not exist", f"Arm's .tgz, from {PAGE}")
    return file_sha256(file)


def _known_from(sha256: str) -> str:
    return next((archive.source for archive in ARCHIVES.values() if archive.sha256 == sha256), "")


def _unpack(file: Path, folder: Path, platform: Platform) -> Path:
    """Arm's installer script out of the archive; nothing of an archive can lie outside its folder."""
    folder.mkdir()
    with _tar_errors(file), tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    script = folder / f"{platform.package}.sh"
    if not script.is_file():
        held = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        raise UsageError(f"`{file}` holds {held} and no `{script.name}`", f"Arm's archive of Corstone {platform.name}")
    script.chmod(0o755)
    return script


@contextlib.contextmanager
def _tar_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise UsageError(f"`{file}` cannot be unpacked: {error}", f"Arm's .tgz, from {PAGE}") from error


def _run_installer(script: Path, folder: Path, tell: Progress) -> None:
    command = [f"./{script.name}", "--i-agree-to-the-contained-eula", "--no-interactive", "-q", "-d", str(folder)]
    tell(f"running Arm's installer: {' '.join(command)}")
    finished = run_child(command, timeout_s=INSTALL_SECONDS, cwd=script.parent)
    if finished.returncode or not folder.is_dir():
        said = " | ".join([*finished.stdout.splitlines(), *finished.stderr.splitlines()][-3:])[:400]
        raise RunError(f"Arm's installer `{script.name}` ended with {finished.returncode}: {said}", "an installation")
