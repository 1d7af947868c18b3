"""`ethos-bench report`: the page of a finished run, anew."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.failing import exits_cleanly
from harness.detection.dataset import load_dataset
from harness.report.html.page import write_page
from harness.report.past_runs import runs_beside
from harness.stored_run import find_run, read_run


@click.command("report")
@click.argument("run", default="latest")
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="File to write."
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="data.yaml of the run: adds images with the boxes that were found."
)
@click.option("--images", type=int, help="The run's own --images, where it had one.")
@click.option("--no-history", is_flag=True, help="Leave out the runs beside this one.")
@exits_cleanly
def report_command(run: str, output: Path, data: Path | None, images: int | None, no_history: bool) -> None:
    """Write one self-contained HTML file on RUN: a results folder, a run's id, or `latest`."""
    found = read_run(find_run(run))
    dataset = load_dataset(data, images=images) if data else None
    past = [] if no_history else runs_beside(found)
    write_page(found, output, dataset, past)
    click.echo(f"{output}: {output.stat().st_size / 1e6:.2f} MB, {len(past) + 1} runs in its history")
