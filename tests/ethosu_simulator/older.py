"""`python -m tests.ethosu_simulator.older [VERSION ...]`: graphs compiled by older Velas, into docs/reference/bit-exactness.md.

The graphs are the same for every Vela: 0 to 89, one or more for every TFLite operator that the generator has.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace

from conversion.velas.versions import numbers
from tests.checkout import CHECKOUT
from tests.ethosu_simulator.generator.cases import case
from tests.ethosu_simulator.generator.compare import (
    DIFFERS,
    EQUAL,
    EXPLAINED,
    NO_REFERENCE,
    NO_VELA,
    ON_CPU,
    PASSING,
    Result,
)
from tests.ethosu_simulator.generator.pool import compare_all
from tests.ethosu_simulator.velas import VERSIONS, missing

PAGE = CHECKOUT / "docs" / "reference" / "bit-exactness.md"
BEGIN, END = "<!-- velas: begin -->\n", "<!-- velas: end -->\n"
GRAPHS = 90
TIMED_OUT = "ended with -9"
SHOWN = {
    EQUAL: "equal",
    EXPLAINED: "explained",
    DIFFERS: "differ",
    ON_CPU: "on the CPU",
    NO_VELA: "refused by Vela",
    NO_REFERENCE: "no reference",
    "late": "out of time",
    "other": "anything else",
}
HEAD = f"| Vela | graphs | {' | '.join(SHOWN.values())} | operators equal | elements equal | differing |\n|{'---|' * 13}\n"


def compared(version: str) -> list[Result]:
    """The graphs by that Vela; "" is our own."""
    return list(compare_all([str(replace(case(number), vela=version)) for number in range(GRAPHS)], 1))


def line(version: str, results: list[Result]) -> str:
    """The Vela's line of the table."""
    counts = Counter(_status(result) for result in results)
    equal = [result for result in results if result.status == EQUAL]
    operators = {result.case.split("-")[0] for result in equal}
    others = ", ".join(_short(result) for result in results if result.status not in PASSING and _status(result) != "late")
    numbers = [str(counts[status]) for status in SHOWN]
    elements = f"{sum(result.elements for result in equal):,}"
    return "| " + " | ".join([version, str(len(results)), *numbers, str(len(operators)), elements, others]) + " |\n"


def _status(result: Result) -> str:
    if TIMED_OUT in result.detail:
        return "late"
    return result.status if result.status in SHOWN else "other"


def _short(result: Result) -> str:
    name = "-".join(result.case.split("-")[:4])
    return name if result.status == DIFFERS else f"{name} ({result.status}: {result.detail[:60]})".replace("|", "/")


def renewed(page: str, made: str) -> str:
    """The page with this line in its table instead of the one that the Vela has there."""
    head, rest = page.split(BEGIN)
    shown, tail = rest.split(END)
    lines = {old.split("|")[1].strip(): old for old in [*shown.removeprefix(HEAD).splitlines(keepends=True), made]}
    return head + BEGIN + HEAD + "".join(lines[name] for name in sorted(lines, key=numbers)) + END + tail


def main() -> int:
    """0 when every Vela's graphs were compared; what differs is for docs/decisions/streams-of-older-velas.md to explain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    versions = parser.parse_args().versions
    if absent := missing(tuple(versions)):
        parser.exit(3, f"Vela {', '.join(absent)} is not here: make velas\n")
    for version in versions:
        made = line(version, compared(version))
        sys.stdout.write(made)
        sys.stdout.flush()
        PAGE.write_text(renewed(PAGE.read_text(), made))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
