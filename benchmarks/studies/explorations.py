"""Committed explorations, each a page of the site: `python -m benchmarks.studies.explorations pages` (in `make docs`).

`keep NAME FILE...` puts what `ethos-bench explore --json FILE` wrote there, several pieces as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from core.errors import UsageError
from core.files import write_whole
from harness.explore.exploration import joined
from harness.explore.exploration_file import read_exploration, text_of
from harness.explore.page import Words, write_page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/explorations"
SITE = ROOT / "build/site/explorations"
PAGE = "index.html"


def exploration_pages(folder: Path, site: Path) -> list[Path]:
    """The pages written: `<name>/index.html` in the site for each `<name>.json`, titled as the `<name>.md` beside it.

    UsageError for data without such a page, or that is no exploration.
    """
    found = []
    for data in sorted(folder.glob("*.json")):
        page = site / data.stem / PAGE
        page.parent.mkdir(parents=True, exist_ok=True)
        write_page(read_exploration(data), page, Words(title=_title(data.with_suffix(".md"))))
        found.append(page)
    return found


def _title(page: Path) -> str:
    """The first heading of a page of the documentation."""
    heading = page.read_text("utf-8").partition("\n")[0] if page.is_file() else ""
    if not heading.startswith("# "):
        raise UsageError(f"`{page}` has no title", "a page about the exploration beside its data, its title on the first line")
    return heading.removeprefix("# ")


def keep(name: str, pieces: Sequence[Path], folder: Path) -> Path:
    """The file of an exploration among the documentation, written: its pieces as one."""
    output = folder / f"{name}.json"
    write_whole(output, text_of(joined(map(read_exploration, pieces))))
    return output


@click.group()
def main() -> None:
    """Explorations of the documentation."""


@main.command("pages")
@click.option("--output", type=click.Path(path_type=Path), default=SITE, show_default=True)
def pages_command(output: Path) -> None:
    """Write their pages into the site."""
    for page in exploration_pages(FOLDER, output):
        click.echo(str(page))


@main.command("keep")
@click.argument("name")
@click.argument("pieces", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...")
def keep_command(name: str, pieces: tuple[Path, ...]) -> None:
    """Put an exploration's data into the documentation as NAME.json."""
    click.echo(str(keep(name, pieces, FOLDER)))


if __name__ == "__main__":
    main()
