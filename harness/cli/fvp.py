"""`ethos-bench fvp find` and `ethos-bench fvp install`: Arm's FVPs on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from core.errors import TargetUnavailable
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared
from harness.cli.saying import say
from targets.fvp.discovery import Search, find
from targets.fvp.install import install
from targets.fvp.options import FvpOptions
from targets.fvp.platforms import NAMES, PLATFORMS


@click.group("fvp")
def fvp_command() -> None:
    """Arm's Corstone FVPs (Fixed Virtual Platforms): find them, install them."""


@fvp_command.command("find")
@declared(FvpOptions, "fvp", help="An executable or the folder of an installation: only this place.")
@click.option("--all", "every", is_flag=True, help="Every place that was looked at, also where one is found.")
@exits_cleanly
def find_command(fvp: Path | None, *, every: bool) -> None:
    """Say which FVPs are found, and where was looked; exit code 3 when there is none."""
    searches = [find(platform, fvp, os.environ) for platform in PLATFORMS]
    for search in searches:
        _show(search, every=every)
    if not any(search.found for search in searches):
        raise TargetUnavailable(
            "no Arm FVP is found: `--target fvp` takes the engine `qemu` (Arm's firmware on QEMU) or `open`, our simulator",
            "an FVP at one of these places (docs/guides/fvp.md)",
            f"ethos-bench fvp install --accept-eula {NAMES[0]}",
        )


def _show(search: Search, *, every: bool) -> None:
    platform = search.platform
    say(f"Corstone {platform.name} with {platform.npu}: {search.found or f'no {platform.binaries[0]}'}")
    for place in search.looked if every or not search.found else ():
        say(f"    {place}")


@fvp_command.command("install")
@click.argument("platform", type=click.Choice(NAMES, case_sensitive=False), default=NAMES[0])
@click.option("--accept-eula", is_flag=True, help="You have read Arm's End User Licence Agreement and accept it.")
@click.option("--archive", type=click.Path(path_type=Path), help="Arm's .tgz that you downloaded yourself.")
@exits_cleanly
def install_command(platform: str, archive: Path | None, *, accept_eula: bool) -> None:
    """Install Arm's FVP of PLATFORM into the cache, where `--target fvp` finds it."""
    done = install(platform, accept_eula=accept_eula, archive=archive, tell=say)
    say(f"installed in {done.folder}; recorded in {done.folder}/installed.json")
