"""Test boards for as long as a command runs: `python -m tests.boards.with_boards --board arm64 --farm 2 -- COMMAND ...`.

The command finds the boards as `ssh:native-test` and `ssh:arm64-test` by ETHOS_BENCH_TARGETS, and the farm's (native, with the
tags board=farm-test and npu=ethos-u65) by LG_COORDINATOR. Needs root and the packages that it names where they are missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from tests.boards.boards import Lab, missing
from tests.boards.farm_lab import FarmLab


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--board", "kinds", type=click.Choice(["native", "arm64"]), multiple=True, help="A board of this kind.")
@click.option("--farm", "count", type=click.IntRange(0, 26), default=0, help="A labgrid farm of so many native boards.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def main(kinds: tuple[str, ...], count: int, command: tuple[str, ...]) -> None:
    """Run COMMAND while the boards are up; its exit code is ours."""
    if why := missing():
        raise click.ClickException(why)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="eb-lab-")))
        lab = held.enter_context(Lab(folder / "lab"))
        for kind in kinds:
            lab.add(f"{kind}-test", "arm64" if kind == "arm64" else "native")
        environment = {**os.environ, "ETHOS_BENCH_TARGETS": str(lab.targets)}
        if count:
            boards = [lab.add(f"farm-{letter}", "native") for letter in "abcdefghijklmnopqrstuvwxyz"[:count]]
            environment["LG_COORDINATOR"] = held.enter_context(FarmLab(lab, folder / "farm", boards)).address
        code = subprocess.run(command, env=environment, check=False).returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
