"""Makes the board's page of the site from the committed data: `python -m benchmarks.studies.board.page` (in `make docs`)."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.studies.board.changes import read_changes
from harness.explore.exploration_file import read_exploration
from harness.explore.page import Words, write_page

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs/board"
SITE = ROOT / "build/site/board"
DATA, CHANGES, PAGE = "board.json", "changes.json", "index.html"
LEAD = (
    "Public architectures and small networks on every Ethos-U configuration that this project knows. Seeded weights are drawn "
    "at random: placement, memory and cycles are those of the architecture, and an accuracy would say nothing."
)


def board_page(folder: Path, output: Path) -> None:
    """Write the page of the board whose data lies in a folder; UsageError when the data is not a board's."""
    path = folder / CHANGES
    changed = read_changes(path) if path.exists() else None
    words = Words(
        title="The model board",
        lead=LEAD,
        since=changed.since if changed else "",
        changes=changed.lines if changed else (),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    write_page(read_exploration(folder / DATA), output, words)


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=SITE / PAGE, show_default=True)
def main(output: Path) -> None:
    """Write the page into the site."""
    board_page(FOLDER, output)
    click.echo(str(output))


if __name__ == "__main__":
    main()
