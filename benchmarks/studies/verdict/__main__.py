"""`python -m benchmarks.studies.verdict`: docs/findings/architecture.md from the trained checkpoints."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from benchmarks.studies.verdict.estimates import estimates
from benchmarks.studies.verdict.page import page
from core.errors import EthosBenchError
from core.files import write_whole

CHECKOUT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("ETHOS_BENCH_TEST_DATA") or CHECKOUT.parent / "shared")


@click.command()
@click.option("--checkpoints", type=click.Path(path_type=Path), default=SHARED / "models" / "checkpoints")
@click.option("--data", type=click.Path(path_type=Path), default=SHARED / "datasets" / "traffic-signs" / "data.yaml")
@click.option("--docs", type=click.Path(path_type=Path), default=CHECKOUT / "docs", help="Folder of the documentation.")
def main(checkpoints: Path, data: Path, docs: Path) -> None:
    """Estimate every model on every NPU and write what holds."""
    try:
        found = estimates(checkpoints, data if data.is_file() else None)
    except EthosBenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    write_whole(docs / "findings" / "architecture.md", page(found))
    click.echo(str(docs / "findings" / "architecture.md"))


if __name__ == "__main__":
    main()
