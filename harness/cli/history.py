"""`ethos-bench history`: the runs so far, one metric over all of them, and runs in and out of the store."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich import box
from rich.table import Table

from core.errors import HistoryError, StorageError, UsageError
from core.metrics import metric_of, nearest
from core.outputs import write_outputs
from harness.cli.failing import exits_cleanly
from harness.cli.saying import cell, say, wide_console
from harness.history.engine import DEFAULT_NAME, ENVIRONMENT, history_url
from harness.history.run_list import RunSummary
from harness.history.sending import SendOutcome, send_waiting, told
from harness.history.spool import Spool
from harness.history.store import History
from harness.history.trend import Trend, trends
from harness.report.tables import amount_text
from harness.results.places import results_place
from harness.results.stored_run import read_run, sample_lines

RESULTS = Path("results")
OPTION_HELP = f"SQLite file or postgresql:// URL (default: {ENVIRONMENT}, else {RESULTS / DEFAULT_NAME})."

history_option = click.option("--history", "url", default="", metavar="URL", help=OPTION_HELP)


def opened(url: str) -> History:
    """The history that a command was pointed to."""
    return History(history_url(url, results_place()))


@click.group("history", invoke_without_command=True)
@history_option
@click.pass_context
@exits_cleanly
def history_command(context: click.Context, url: str) -> None:
    """List the runs in the history, the oldest first."""
    context.obj = opened(url)
    if context.invoked_subcommand is None:
        history: History = context.obj
        console = wide_console()
        console.print(_run_table(history.runs()))
        for name, (run, since) in history.baselines().items():
            say(f"baseline {name}: {run}, since {since}")


@history_command.command("show")
@click.argument("metric")
@click.option("--variant", default="", help="Only this model.")
@click.option("--build", default="", help="Only this build (default: all).")
@click.option("--profile", default="", help="Only this NPU profile.")
@click.option("--target", default="", help="Only this target.")
@click.option("--stat", default="", help="Only this statistic (default for latencies: median).")
@click.option("--graph", default="", help="Only this graph: float, int8 or npu.")
@click.pass_obj
@exits_cleanly
def show(history: History, metric: str, *, variant: str, build: str, profile: str, target: str, stat: str, graph: str) -> None:
    """One metric over all runs, with the runs at which it changed."""
    given = {"variant": variant, "build": build, "profile": profile, "target": target, "graph": graph}
    given["stat"] = stat or metric_of(metric).default_stat
    points = history.points(metric, **{name: value for name, value in given.items() if value})
    if not points:
        known = history.metrics()
        near = nearest(metric, known) if metric not in known else ""
        hint = f"ethos-bench history show {near}" if near else ""
        raise HistoryError(f"no run has `{metric}` of this kind", f"one of {', '.join(known) or 'none yet'}", hint)
    for trend in trends(points):
        _print_trend(trend)


@history_command.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--unfinished", is_flag=True, help="Also runs that were killed: what they found until then.")
@click.pass_obj
@exits_cleanly
def import_(history: History, paths: tuple[Path, ...], *, unfinished: bool) -> None:
    """Take in runs: results folders or results.json files. A run that is there already is passed over."""
    for path in paths:
        run = read_run(path)
        if not run.finished and not unfinished:
            raise StorageError(
                f"run {run.id} in `{path}` has no end: it is going on, was killed, or an older version wrote it",
                "a run that finished",
                f"ethos-bench history import --unfinished {path}",
            )
        say(f"{run.id}: {'taken in' if history.add(run) else 'there already'}")


@history_command.command("export")
@click.argument("run", default="latest")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder for results.json and samples.jsonl.")
@click.pass_obj
@exits_cleanly
def export(history: History, run: str, output: Path) -> None:
    """Write a run as it went in."""
    stored = history.run(history.find(run))
    if (output / "results.json").exists():
        raise UsageError(f"`{output / 'results.json'}` exists", "a folder without results", "--output another/folder")
    files: dict[Path, bytes | str] = {}
    if stored.samples:
        files[output / "samples.jsonl"] = "".join(sample_lines(stored.samples))
    files[output / "results.json"] = json.dumps(stored.written.to_json(), indent=1, allow_nan=False)
    write_outputs(files)
    say(str(output / "results.json"))


@history_command.command("send")
@click.option("--results", type=click.Path(path_type=Path), help="Folder of the spool (default: `results` here or above).")
@click.pass_context
@exits_cleanly
def send(context: click.Context, results: Path | None) -> None:
    """Send the runs that wait in the spool because the history could not be had."""
    history: History = context.obj
    spool = Spool.of(results or results_place(), history.url)
    sent = send_waiting(history, spool)
    for line in told(sent, history, spool) if sent != SendOutcome((), (), ()) else ["nothing waits"]:
        say(line)
    if sent.problems:
        context.exit(sent.problems[0].exit_code)


@history_command.command("upgrade")
@click.pass_obj
@exits_cleanly
def upgrade(history: History) -> None:
    """Bring the store's schema to the one that this version reads; also creates an empty store."""
    before = history.upgrade()
    say(f"{history}: schema {before or 'none'} before, the newest now")


def _run_table(runs: list[RunSummary]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Runs", title_justify="left", pad_edge=False)
    for heading in ("run", "started", "commit", "models", "targets"):
        table.add_column(heading, overflow="fold")
    for heading in ("records", "failures"):
        table.add_column(heading, justify="right")
    for run in runs:
        commit = run.commit[:12] + ("+" if run.dirty else "")
        cells = (run.id, run.started[:16], commit, ", ".join(run.models), ", ".join(run.targets))
        table.add_row(*map(cell, cells), str(run.records), str(run.failures))
    return table


def _print_trend(trend: Trend) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=cell(trend.name), title_justify="left", pad_edge=False)
    for heading in ("run", "started", "commit", "value", "evidence", "what changed"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "value" else "left")
    for step in trend.steps:
        figure = step.point.figure
        value = str(figure.value) if figure.number is None else amount_text(figure.number, figure.unit)
        commit = step.point.commit[:12] + ("+" if step.point.dirty else "")
        mark = f"[bold]{cell(step.text)}[/bold]" if step.jump else cell(step.text)
        table.add_row(cell(step.point.run), step.point.started[:16], commit, cell(value), str(figure.evidence), mark)
    console = wide_console()
    console.print(table)
