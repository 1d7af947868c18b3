"""`python -m benchmarks.studies.statistics`: collect A/A pairs, simulate, and write docs/reference/statistics.md."""

from __future__ import annotations

import click

from benchmarks.studies.statistics.collect import collect
from benchmarks.studies.statistics.page import page


@click.group()
def main() -> None:
    """How far the verdicts on latencies can be trusted."""


main.add_command(collect)
main.add_command(page)

if __name__ == "__main__":
    main()
