"""A process that brings runs into a history by way of a spool, as sessions do.

`python -m tests.harness.history.writer URL FOLDER FIRST COUNT` says a line per run.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from harness.history.engine import history_url
from harness.history.sending import send
from harness.history.spool import Spool
from harness.history.store import History
from tests.harness.builders import measurement
from tests.harness.history.runs import figures, run


def main(url: str, folder: str, first: str, count: str) -> None:
    place = history_url(url, Path(folder))
    for number in range(int(first), int(first) + int(count)):
        many = [*figures(), *(measurement(variant=f"v{i}") for i in range(200))]
        made = run(1, many)
        made = replace(made, written=replace(made.written, run=replace(made.header, id=f"run-{number:04d}")))
        sent = send(made, History(place), Spool.of(Path(folder), place))
        sys.stdout.write(f"{number} {sent.problems}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
