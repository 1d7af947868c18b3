"""`python -m benchmarks.studies.timing`: docs/reference/timing.md, its pictures, and the errors that estimates state."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from benchmarks.studies.timing.charts import draw
from benchmarks.studies.timing.left_out import held_out, left_out
from benchmarks.studies.timing.page import page, stated
from benchmarks.studies.timing.published import CHECKOUT, cells, compared
from core.errors import EthosBenchError
from core.files import write_whole
from ethosu_simulator.timing.coverage import ERRORS


@click.command()
@click.option("--docs", type=click.Path(path_type=Path), default=CHECKOUT / "docs", help="Folder of the documentation.")
def main(docs: Path) -> None:
    """Hold the cycle model against the published counts and write what came of it."""
    try:
        every = cells()
    except EthosBenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    found = [compared(cell) for cell in every]
    active = [one for one in found if one.cell.kind in ("cycles", "layer")]
    fitted = left_out([one.cell for one in active])
    held = held_out([one.cell for one in active])
    write_whole(ERRORS, json.dumps(stated(active), indent=1) + "\n")
    draw(active, docs / "images")
    write_whole(docs / "reference" / "timing.md", page(found, fitted, held))
    click.echo(str(docs / "reference" / "timing.md"))


if __name__ == "__main__":
    main()
