"""`python -m tests.ethosu_simulator.generator FIRST COUNT`: compares cases, prints what is not equal, and the totals."""

from __future__ import annotations

import argparse
import collections
import json
import sys
from dataclasses import replace
from pathlib import Path

from tests.ethosu_simulator.generator.cases import case
from tests.ethosu_simulator.generator.compare import EQUAL, PASSING
from tests.ethosu_simulator.generator.pool import compare_all
from tests.ethosu_simulator.generator.shrink import shrink_all
from tests.ethosu_simulator.velas import missing


def main() -> int:
    """0 when nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--only", help="operators, separated by commas")
    parser.add_argument("--vela", default="", help="an older version, from `make velas`")
    parser.add_argument("--cases", nargs="*", help="cases by name instead of numbers")
    parser.add_argument("--all", action="store_true", help="print cases that were not compared, too")
    parser.add_argument("--golden", type=Path, help="shrink failing cases and keep them there")
    parser.add_argument("--json", type=Path, help="write every result there, one per line")
    options = parser.parse_args()
    if options.vela and missing((options.vela,)):
        parser.exit(3, f"Vela {options.vela} is not here: make velas VELAS={options.vela}\n")
    chosen = [replace(case(n), vela=options.vela) for n in range(options.first, options.first + options.count)]
    if options.only:
        chosen = [c for c in chosen if c.operator in options.only.split(",")]
    results = []
    for result in compare_all(options.cases or [str(c) for c in chosen]):
        results.append(result)
        if result.status not in PASSING or (options.all and result.status != EQUAL):
            sys.stdout.write(f"{result.case}: {result.status}: {result.detail} ({result.oracle})\n")
            sys.stdout.flush()
    totals = collections.Counter(result.status for result in results)
    sys.stdout.write(f"{len(results)} cases: " + ", ".join(f"{n} {status}" for status, n in totals.most_common()) + "\n")
    if options.json:
        options.json.write_text("".join(json.dumps(result.as_data()) + "\n" for result in results))
    failures = [result for result in results if result.status not in PASSING]
    if options.golden:
        for path in shrink_all(failures, options.golden):
            sys.stdout.write(f"kept {path}\n")
    return int(bool(failures))


if __name__ == "__main__":
    raise SystemExit(main())
