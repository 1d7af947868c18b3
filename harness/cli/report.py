"""`ethos-bench report`: the page of a finished run, anew."""

from __future__ import annotations

from pathlib import Path

import click

from core.outputs import require_free, write_output
from harness.cli.failing import exits_cleanly
from harness.cli.runs import named_run
from harness.cli.saying import say
from harness.history.engine import DEFAULT_NAME, ENVIRONMENT, history_url
from harness.report.html.page import page
from harness.report.past import Past, past_of
from harness.tasks.detect.dataset import load_dataset


@click.command("report")
@click.argument("run", default="latest")
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="File to write."
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="data.yaml of the run: adds images with the boxes that were found."
)
@click.option("--images", type=int, help="The run's own --images, where it had one.")
@click.option("--history", "url", default="", metavar="URL", help=f"Default: {ENVIRONMENT}, else the run's {DEFAULT_NAME}.")
@click.option("--no-history", is_flag=True, help="Leave out the runs before this one.")
@exits_cleanly
def report_command(run: str, output: Path, data: Path | None, images: int | None, url: str, no_history: bool) -> None:
    """Write one self-contained HTML file on RUN: a results folder, a run's id, or `latest`."""
    require_free(output)
    found = named_run(run)
    dataset = load_dataset(data, images=images) if data else None
    past = Past() if no_history else past_of(found, history_url(url, found.folder.parent))
    write_output(output, page(found, dataset, past))
    runs = f"{len(past.runs)} runs in its history" if past.runs else past.problem or "without the history"
    say(f"{output}: {output.stat().st_size / 1e6:.2f} MB, {runs}")
