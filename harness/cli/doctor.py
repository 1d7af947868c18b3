"""`ethos-bench doctor`: what is installed, found and missing, and the command that fixes it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from conversion.profile_files import board_names, load_profile, profile_names
from conversion.vela import vela_executable, vela_version
from core.cache import cache_root
from core.cache_prune import entries_of, size_text
from core.errors import EthosBenchError
from core.installation import install_line, installation
from core.versions import ABSENT, version_of
from harness.report.safe_console import SafeConsole

State = Literal["ok", "missing", "broken"]
MARKS = {"ok": "[green]ok[/green]", "missing": "[yellow]missing[/yellow]", "broken": "[red]broken[/red]"}
CORE = ("ai-edge-litert", "ethos-u-vela", "faster-coco-eval", "numpy", "onnxruntime", "pytest", "tflite-micro")
EXTRAS = {
    "convert": ("ai-edge-quantizer", "litert-torch", "torch", "torchvision", "ultralytics-opencv-headless"),
    "farm": ("labgrid",),
    "postgres": ("psycopg",),
}
NEEDED_FOR = {"convert": "checkpoints", "farm": "board farms", "postgres": "a history on a PostgreSQL server"}
FREE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, its state, what was found, and the command that fixes it. `needed` by the main job."""

    name: str
    state: State
    found: str
    fix: str = ""
    needed: bool = True


@click.command("doctor")
@click.pass_context
def doctor_command(context: click.Context) -> None:
    """Say what is installed, found and missing; exit code 1 when the main job could not run."""
    console = SafeConsole(highlight=False)
    failed = False
    for check in checks():
        console.print(f"{MARKS[check.state]:>24}  {check.name}: {check.found}", soft_wrap=True)
        if check.fix and check.state != "ok":
            console.print(f"{'':>9}fix: {check.fix}", markup=False, soft_wrap=True)
        failed |= check.needed and check.state != "ok"
    if failed:
        context.exit(1)


def checks() -> Iterator[Check]:
    """Every check, needed ones first."""
    supported = (3, 10) <= sys.version_info[:2] <= (3, 13)
    yield Check("Python", "ok" if supported else "broken", sys.version.split()[0], "use Python 3.10 to 3.13")
    yield from (_package(name, install_line()) for name in CORE)
    yield Check("installation", "ok", f"{installation().kind}, {installation().root}", needed=False)
    yield from (_package(name, install_line(extra), extra) for extra, names in EXTRAS.items() for name in names)
    yield _vela()
    yield from (_profile(name) for name in (*profile_names(), *board_names()))
    yield _cache()


def _package(name: str, fix: str, extra: str = "") -> Check:
    what = f"{name} (extra `{extra}`: needed for {NEEDED_FOR[extra]})" if extra else name
    version = version_of(name)
    if version == ABSENT:
        return Check(what, "missing", "not installed", fix, needed=not extra)
    return Check(what, "ok", version, needed=not extra)


def _vela() -> Check:
    try:
        executable = vela_executable()
        return Check("Vela", "ok", f"{vela_version(executable)} at {executable}")
    except EthosBenchError as error:
        return Check("Vela", "missing", error.found, error.hint)


def _profile(name: str) -> Check:
    try:
        profile = load_profile(name)
        return Check(f"profile {name}", "ok", f"{profile.system_config}, {profile.memory_mode}")
    except EthosBenchError as error:
        return Check(f"profile {name}", "broken", error.found, error.hint)


def _cache() -> Check:
    root = cache_root()
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    state: State = "ok" if free > FREE_BYTES and _writable(place) else "broken"
    fix = "ETHOS_BENCH_CACHE=/path/with/space, or: ethos-bench cache prune --to 1GB"
    held = size_text(sum(entry.size_bytes for entry in entries_of(root)))
    return Check("cache", state, f"{root}, {held} of it, {free / 1e9:.0f} GB free", fix)


def _writable(folder: Path) -> bool:
    try:
        probe = folder / ".ethos-bench-probe"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
