"""`ethos-bench targets`: the boards of a targets file, and whether one is ready."""

from __future__ import annotations

from pathlib import Path

import click

from core.errors import TargetUnavailable, UsageError
from harness.cli.failing import exits_cleanly
from harness.cli.options import declared
from harness.cli.saying import say
from harness.report.safe_console import SafeConsole
from targets.boards.link import Link, LinkLost
from targets.boards.options import BoardOptions
from targets.boards.preflight import Finding, ask_board, findings
from targets.boards.targets_file import commands_of, find_board, read_boards
from targets.boards.targets_file import targets_file as targets_file_of

STYLES = {"ok": "[green]ok[/green]", "warning": "[yellow]warning[/yellow]", "problem": "[red]problem[/red]"}
file_option = declared(BoardOptions, "targets_file")


@click.group("targets")
def targets_command() -> None:
    """Boards that targets.toml names."""


@targets_command.command("list")
@file_option
@exits_cleanly
def list_command(targets_file: Path | None) -> None:
    """One line per board: how it is named on the command line, where it is, its NPU."""
    path = targets_file_of(targets_file)
    if path is None:
        raise UsageError("no targets file here", "./targets.toml, or --targets FILE", "docs/reference/targets-toml.md")
    for name, board in read_boards(path).items():
        say(f"ssh:{name}  host {board.host}  {board.profile or 'any profile'}  {board.kind}  {board.delegate}")


@targets_command.command("check")
@click.argument("name")
@file_option
@declared(BoardOptions, "trust_on_first_use")
@click.option("--explain", is_flag=True, help="Only list what the table would run on this computer; nothing is run.")
@exits_cleanly
def check_command(name: str, targets_file: Path | None, trust_on_first_use: bool, explain: bool) -> None:
    """Look at a board: one line per finding, and how to fix it; exit code 3 when it is not ready."""
    board = find_board(name, targets_file)
    if explain:
        for what, command in commands_of(name, board):
            say(f"{what:<6} {command}")
        return
    console = SafeConsole(highlight=False)
    try:
        with Link(f"ssh:{name}", board, trust_on_first_use) as link:
            found = [Finding("link", "ok", f"{board.host}"), *findings(board, ask_board(link))]
    except LinkLost as error:
        raise TargetUnavailable(f"ssh:{name} cannot be reached: {error}", "a board that answers") from error
    for finding in found:
        console.print(f"{STYLES[finding.level]:>26}  {finding.name}: ", end="")
        console.print(finding.found, markup=False, soft_wrap=True)
        if finding.fix and finding.level != "ok":
            console.print(f"{'':>11}fix: {finding.fix}", markup=False, soft_wrap=True)
    problems = [finding for finding in found if finding.level == "problem"]
    if problems:
        raise TargetUnavailable(f"ssh:{name} is not ready: {len(problems)} problem{'s' if problems[1:] else ''}")
