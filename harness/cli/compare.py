"""`ethos-bench compare`: what changed between two runs, and what it did to every figure."""

from __future__ import annotations

from pathlib import Path

import click

from core.outputs import require_free, write_output
from harness.cli.failing import exits_cleanly
from harness.cli.history import history_option, opened
from harness.cli.saying import wide_console
from harness.history.knowledge import earlier_runs, map_intervals
from harness.history.run_comparison import Comparison, Knowledge, compare, no_images
from harness.history.store import History
from harness.report.comparison_report import comparison_json, comparison_tables
from harness.results.stored_run import StoredRun, read_run
from harness.statistics.shift import BOUND
from harness.tasks.detect.dataset import load_dataset


@click.command("compare")
@click.argument("run_a")
@click.argument("run_b", default="latest")
@click.option("--data", type=click.Path(path_type=Path), help="data.yaml: judge mAP by a paired bootstrap over its images.")
@click.option("--images", type=int, help="The runs' own --images, where they had one.")
@click.option("--bound", default=BOUND, show_default=True, help="Relative latency difference that nobody acts on.")
@click.option("--all", "everything", is_flag=True, help="Also figures that are the same, and those of each class.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the comparison to a file.")
@history_option
@click.pass_context
@exits_cleanly
def compare_command(
    context: click.Context,
    run_a: str,
    run_b: str,
    data: Path | None,
    images: int | None,
    bound: float,
    json_file: Path | None,
    url: str,
    *,
    everything: bool,
) -> None:
    """Hold RUN_B against RUN_A; each is an id in the history, `latest`, `baseline`, or a results folder.

    Exit code 1 when a figure is worse, slower or lost.
    """
    if json_file:
        require_free(json_file, "--json")
    history = opened(url)
    first, second = (named_run(history, name) for name in (run_a, run_b))
    intervals = map_intervals(first, second, load_dataset(data, images=images)) if data else no_images
    found = compare(first, second, Knowledge(earlier_runs(history, first, second), intervals, bound))
    console = wide_console()
    for part in comparison_tables(found, everything=everything):
        console.print(part)
    if json_file:
        write_output(json_file, comparison_json(found), "--json")
    _end(context, found)


def named_run(history: History, name: str) -> StoredRun:
    """The run of a results folder when the name is one (or of results/latest), else of the history."""
    path = Path(name)
    if path.is_dir() or path.suffix == ".json":
        return read_run(path)
    return history.run(history.find(name))


def _end(context: click.Context, found: Comparison) -> None:
    if found.negative:
        context.exit(1)
