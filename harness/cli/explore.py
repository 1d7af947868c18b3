"""`ethos-bench explore`: models x sizes x recipes x NPUs x Velas, and which of them holds a product's limits."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import click
from rich import box
from rich.table import Table

from core.errors import UsageError
from core.outputs import require_free, write_output
from core.redaction import redacted_command
from core.versions import versions_of
from harness.cli.failing import exits_cleanly
from harness.cli.history import opened
from harness.cli.options import gathered
from harness.cli.saying import cell as shown
from harness.cli.saying import say, wide_console
from harness.explore import front, work
from harness.explore.accuracy import is_asked
from harness.explore.answer_words import MIB, first_line, memories, row_names
from harness.explore.engine import explored, local_workers
from harness.explore.exploration import Cell, Exploration
from harness.explore.exploration_file import text_of
from harness.explore.in_history import keep
from harness.explore.page import Words, exploration_page
from harness.explore.plan import ExploreOptions, planned, with_file
from harness.explore.requests import CellRequest
from harness.explore.sources import dataset_of
from harness.history.store import History

MOST_UNASKED = 1000
"""Cells that are computed without being asked whether so many were meant."""
TYPICAL_CELL_S, TYPICAL_CONVERSION_S = 8.0, 60.0
"""A YOLO of nano size at 320 px on one core: what is guessed with before any cell is known."""
VERSIONS = ("ethos-bench", "ethos-u-vela")
SHOWN = 20


@click.command("explore")
@click.argument("file", type=click.Path(path_type=Path), required=False, metavar="[explore.toml]")
@gathered(ExploreOptions, "options")
@click.option(
    "--cluster",
    default="",
    metavar="tcp://...|ssh:HOSTS",
    help="A Dask scheduler, or hosts (ssh:a*8,b*4). Default: this computer.",
)
@click.option(
    "--dry-run", is_flag=True, help="Say how many cells there are, how many are known, and about how long the rest takes."
)
@click.option("--yes", is_flag=True, help=f"Don't ask before more than {MOST_UNASKED:,} cells.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write every cell with its figures.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a row per cell.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a page, all in one file.")
@click.option(
    "--history",
    "history_url",
    default="",
    metavar="URL",
    help="Keep the cells in that SQLite file or postgresql:// database.",
)
@click.pass_context
@exits_cleanly
def explore_command(
    context: click.Context,
    file: Path | None,
    options: ExploreOptions,
    cluster: str,
    dry_run: bool,
    yes: bool,
    json_file: Path | None,
    csv_file: Path | None,
    html_file: Path | None,
    history_url: str,
) -> None:
    """Explore every combination of models, front ends, sizes, recipes, NPUs, memories and Velas; find the cheapest NPU.

    A cell that is known is not computed again: a run that was stopped goes on where it was. Exit code 1 when no cell holds the
    limits.
    """
    options = with_file(options, file)
    for path, flag in ((json_file, "--json"), (csv_file, "--csv"), (html_file, "--html")):
        if path:
            require_free(path, flag)
    requests = planned(options)
    if dry_run:
        say(_forecast(requests))
        return
    _confirm(requests, yes=yes)
    history = opened(history_url) if history_url else None
    if history:
        history.upgrade()  # one that is not there is told before hours of work
    found = _exploration(requests, cluster)
    if json_file:
        write_output(json_file, text_of(found), "--json")
    if csv_file:
        write_output(csv_file, found.to_csv(), "--csv")
    if html_file:
        write_output(html_file, exploration_page(found, Words(), options.limits), "--html")
    answer = front.answer(found.cells, options.limits)
    _print(found, answer)
    if history:
        say(_kept(history, found, requests), err=True)
    if not answer.meeting:
        context.exit(1)


def _kept(history: History, found: Exploration, requests: Sequence[CellRequest]) -> str:
    """What came of keeping the cells in a history, in words."""
    data = {request.key: dataset_of(request.source).identity for request in requests if is_asked(request.accuracy)}
    new = keep(history, found, data, Path.cwd())
    return f"history: {new} of {len(found.cells)} cells are new or have changed, kept in {history}"


def _confirm(requests: Sequence[CellRequest], *, yes: bool) -> None:
    if yes or len(requests) <= MOST_UNASKED:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"{len(requests):,} cells were asked for", f"at most {MOST_UNASKED:,}, or --yes", "ethos-bench explore --dry-run"
        )
    click.confirm(f"{_forecast(requests)}. Go on?", abort=True)


def _forecast(requests: Sequence[CellRequest]) -> str:
    """How much there is to do, in words."""
    known = {request: cell for request in requests if (cell := work.known(request))}
    missing = [request for request in requests if request not in known]
    if not missing:
        return f"{len(requests):,} cells, all of them known"
    per_cell = statistics.median(cell.seconds for cell in known.values()) if known else TYPICAL_CELL_S
    sources = {request.source for request in missing if request.source.recipe} - {request.source for request in known}
    seconds = (per_cell * len(missing) + TYPICAL_CONVERSION_S * len(sources)) / local_workers()
    guessed = "the known ones' median" if known else "as a YOLO of nano size at 320 px takes them"
    return (
        f"{len(requests):,} cells, {len(known):,} known; {len(sources):,} conversions and {len(missing):,} cells to compute: "
        f"about {_duration(seconds)} on {local_workers()} processors ({guessed})"
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _exploration(requests: Sequence[CellRequest], cluster: str) -> Exploration:
    """Every cell, in the order of the question; each is told of when it comes."""
    start, found = time.monotonic(), {}
    for one in explored(requests, cluster, lambda text: say(text, err=True)):
        found[one.cell.key] = one.cell
        said = one.cell.failed or f"{one.cell.seconds:.1f} s"
        say(f"{time.monotonic() - start:7.1f} s  {one.done} of {one.of}: {one.cell.key.name}: {said}", err=True)
    return Exploration(
        made=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=redacted_command(["ethos-bench", *sys.argv[1:]]),
        versions=versions_of(VERSIONS),
        cells=tuple(found[request.key] for request in requests),
    )


def _print(found: Exploration, answer: front.Answer) -> None:
    console = wide_console()
    console.print(f"[bold]{shown(first_line(found.cells, answer))}[/bold]", soft_wrap=True)
    failed = [cell for cell in found.cells if cell.failed]
    if len(found.cells) > len(failed):
        console.print(_heat(found.cells))
    if answer.front:
        console.print(_front(answer.front))
    for cell in failed[:SHOWN]:
        console.print(f"failed: {shown(cell.key.name)}: {shown(cell.failed)}", soft_wrap=True)
    if len(failed) > SHOWN:
        console.print(f"failed: {len(failed) - SHOWN} more (--json FILE or --csv FILE has them all)")


def _heat(cells: Sequence[Cell]) -> Table:
    """The time of each model on each NPU, in milliseconds, coloured from the fastest to the slowest.

    A row is a model with what was chosen for it, and the Vela and memory where several were asked for.
    """
    npus = list(dict.fromkeys(cell.key.npu for cell in sorted(cells, key=front.cost)))
    names = row_names(cells)
    rows: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        rows.setdefault(names[cell.key], {})[cell.key.npu] = cell
    times = sorted(us for cell in cells if (us := _heat_us(cell)) is not None)
    table = Table(
        box=box.SIMPLE_HEAD, title="ms by our cycle model, the NPU's part (* operators on the CPU)", title_justify="left"
    )
    table.add_column("model")
    for npu in npus:
        table.add_column(npu.removeprefix("ethos-"), justify="right")
    for row, by_npu in rows.items():
        table.add_row(shown(row), *(_heat_cell(by_npu.get(npu), times) for npu in npus))
    return table


def _heat_us(cell: Cell) -> float | None:
    return cell.number("npu_estimated_us", "open")


def _heat_cell(cell: Cell | None, times: Sequence[float]) -> str:
    if cell is None:
        return ""
    us = _heat_us(cell)
    if us is None:
        return "[dim]failed[/dim]" if cell.failed else "[dim]none[/dim]"
    share = times.index(us) / max(1, len(times) - 1)
    colour = "green" if share < 1 / 3 else "yellow" if share < 2 / 3 else "red"
    return f"[{colour}]{us / 1e3:.2f}{'*' if cell.number('operators_cpu') else ''}[/{colour}]"


def _front(cells: Sequence[Cell]) -> Table:
    """The cells that no other one beats."""
    table = Table(box=box.SIMPLE_HEAD, title="beaten by none in NPU, time, mAP, SRAM and flash", title_justify="left")
    for heading in ("NPU", "model", "Vela"):
        table.add_column(heading)
    for heading in ("ms, ours", "mAP50-95", "SRAM MiB", "flash MiB"):
        table.add_column(heading, justify="right")
    for cell in sorted(cells, key=front.cost)[:SHOWN]:
        figures = (
            (front.latency_us(cell), 1e3, 2),
            (front.map50_95(cell), 1, 3),
            *((value, MIB, 2) for _, value in memories(cell)),
        )
        texts = ["-" if value is None else f"{value / unit:.{digits}f}" for value, unit, digits in figures]
        table.add_row(shown(cell.key.npu), shown(cell.key.row), cell.key.vela, *texts)
    return table
