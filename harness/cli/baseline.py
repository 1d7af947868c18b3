"""`ethos-bench baseline`: which run others are held against."""

from __future__ import annotations

import click

from core.errors import HistoryError
from harness.cli.failing import exits_cleanly
from harness.cli.history import history_option, opened
from harness.cli.saying import say


@click.group("baseline")
def baseline_command() -> None:
    """Set or show the run that others are held against."""


@baseline_command.command("set")
@click.argument("run")
@click.option("--name", default="main", show_default=True, help="One of several baselines, such as a branch.")
@history_option
@exits_cleanly
def set_(run: str, name: str, url: str) -> None:
    """Make RUN the baseline; `compare baseline latest` holds the newest run against it."""
    history = opened(url)
    found = history.find(run)
    history.set_baseline(found, name)
    say(f"baseline {name}: {found}")


@baseline_command.command("show")
@history_option
@exits_cleanly
def show(url: str) -> None:
    """Every baseline and since when it counts."""
    history = opened(url)
    found = history.baselines()
    if not found:
        raise HistoryError(f"no baseline in the history {history}", "a run set as such", "ethos-bench baseline set latest")
    for name, (run, since) in found.items():
        say(f"{name}: {run}, since {since}")
