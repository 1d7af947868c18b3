"""The firmware that runs a model on a Corstone: Arm's prebuilt generic inference runner, or a file of the user's."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from core.cache import entry
from core.errors import ToolMissing, UsageError
from core.files import file_sha256
from core.processes import run_child
from targets.elf_file import find_symbol
from targets.fvp.platforms import Platform

PACKAGE = "mlia-ethos-u==0.1.0"
WHEEL_SHA256 = "883212dbecb724b274c3c681df01d91c9b368e2a69d8f903e56e5875a0de9dae"
INSIDE = "mlia/resources/backends/applications/"
DOWNLOAD_SECONDS = 600.0
ARENA_SYMBOL = "_ZN3arm3appL13activationBufE"
"""The tensor arena in Arm's ML embedded evaluation kit (`arm::app::activationBuf`)."""


@dataclass(frozen=True)
class Firmware:
    """A firmware file, the SHA-256 of its bytes, where it came from, and its tensor arena; 0 bytes when it does not say.

    `own` is one of the user's, which may say and do more than run one model once.
    """

    path: Path
    sha256: str
    origin: str
    arena_bytes: int
    own: bool = False


def own_firmware(path: Path) -> Firmware:
    """The user's firmware; UsageError when it is no ELF file for Arm."""
    if not path.is_file():
        raise UsageError(f"--fvp-firmware `{path}` does not exist", "a bare-metal ELF file (.axf, .elf)")
    return Firmware(path, file_sha256(path), str(path), arena_bytes(path), own=True)


def packaged_firmware(platform: Platform) -> Firmware:
    """Arm's generic inference runner for the platform, from the cache or from its wheel; ToolMissing when it cannot be had."""
    folder = entry("firmware", {"wheel": WHEEL_SHA256}, _fetch)
    path = folder / platform.runner / "mlek_inference_runner.axf"
    return Firmware(path, file_sha256(path), f"PyPI {PACKAGE}, {platform.runner}", arena_bytes(path))


def arena_bytes(path: Path) -> int:
    """The size of the tensor arena that an ELF file's symbols name, 0 when they name none."""
    symbol = find_symbol(path, ARENA_SYMBOL)
    return symbol[1] if symbol else 0


def _fetch(folder: Path) -> None:
    """Fill a cache folder with the runners of Arm's wheel. Only files are taken: the package is never installed."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="wheel-") as place:
        wheel = _download(Path(place))
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(INSIDE) and "-tflm-" in name]
            for member in members:
                target = folder / Path(member).parent.name / Path(member).name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(archive.read(member))


def _download(place: Path) -> Path:
    """The wheel, fetched by pip through the index that is configured here and checked against its known SHA-256."""
    wanted = place / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n", "utf-8")
    options = ("--no-deps", "--only-binary=:all:", "--python-version=3.11", "--require-hashes", "--quiet")
    command = [*_pip(), "download", *options, "--dest", str(place), "--requirement", str(wanted)]
    finished = run_child(command, timeout_s=DOWNLOAD_SECONDS)
    wheels = sorted(place.glob("*.whl"))
    if finished.returncode or not wheels:
        said = [line for line in finished.stderr.splitlines() if line.strip()][-2:]
        how = "ran out of time" if finished.timed_out else " | ".join(said)[:400] or f"pip ended with {finished.returncode}"
        raise ToolMissing(
            f"Arm's inference runner could not be fetched: {how}",
            f"a package index with {PACKAGE}, or --fvp-firmware FILE",
            f"python -m pip download --no-deps --python-version 3.11 --only-binary=:all: {PACKAGE}",
        )
    found = file_sha256(wheels[0])
    if found != WHEEL_SHA256:
        raise ToolMissing(f"`{wheels[0].name}` has SHA-256 {found}", WHEEL_SHA256)
    return wheels[0]


def _pip() -> list[str]:
    """A pip that runs: this environment's, else one on PATH (an environment made by uv has none)."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if not found:
        raise ToolMissing(
            "pip is not here to fetch Arm's inference runner", "pip, or --fvp-firmware FILE", "apt-get install python3-pip"
        )
    return [found]
