"""`python -m tests.ethosu_simulator.tosa COUNT` compares the graphs among COUNT cases that TFLite Micro gives nothing for.

Writes counts.json beside this file and docs/reference/simulator-tosa.md; without COUNT the page is written anew.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from targets.tosa.reference import reference_name
from tests.ethosu_simulator.generator.cases import Case, case
from tests.ethosu_simulator.generator.graph import Unsupported
from tests.ethosu_simulator.tosa.oracle import Compared, compared, without_micro
from tests.ethosu_simulator.tosa.page import PAGE, page
from tests.ethosu_simulator.tosa.written import LOCK

COUNTS = Path(__file__).with_name("counts.json")
FIRST = 100_000
"""The first of the cases that `make simulator-cases` compares with TFLite."""


def chosen(count: int, folder: Path) -> Iterator[Case]:
    """The cases that TFLite Micro gives nothing for."""
    for number in range(FIRST, FIRST + count):
        one = case(number)
        try:
            one.build()
        except Unsupported:
            continue
        if without_micro(one, folder):
            yield one


def results(count: int) -> Iterator[Compared]:
    """What came of each of them."""
    for one in list(chosen(count, Path(tempfile.mkdtemp()))):
        with tempfile.TemporaryDirectory() as folder:
            found = compared(one, Path(folder))
        sys.stderr.write(f"{found.case}: {found.by_tflite}; {found.by_tosa}\n")
        yield found


def counted(count: int) -> dict[str, Any]:
    """The results with when and by what they were made."""
    converter = LOCK.read_text("utf-8").split()[0].replace("==", " ")
    return {
        "command": f"python -m tests.ethosu_simulator.tosa {count}",
        "date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}",
        "versions": [f"ethos-u-vela {version('ethos-u-vela')}", reference_name(), converter],
        "count": count,
        "cases": [one.as_data() for one in results(count)],
    }


def main() -> int:
    """0 when nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", help="cases to look at; without it only the page is written anew")
    options = parser.parse_args()
    if options.count:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Vela prints
        COUNTS.write_text(json.dumps(counted(options.count), indent=1) + "\n", "utf-8")
    found = json.loads(COUNTS.read_text("utf-8"))
    PAGE.write_text(page(found), "utf-8")
    states = Counter(one[side].partition(":")[0] for one in found["cases"] for side in ("by_tflite", "by_tosa"))
    sys.stderr.write(f"{states}\n")
    return int("differs" in states)


if __name__ == "__main__":
    raise SystemExit(main())
