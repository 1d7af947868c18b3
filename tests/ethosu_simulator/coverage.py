"""What was found bit-exact, counted over a run of the generator: coverage.json beside this file and the tables made from it.

`python -m tests.ethosu_simulator.coverage COUNT` runs COUNT cases, writes the counts, and puts the tables into
ethosu_simulator/README.md and docs/reference/simulator-cases.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ethosu_simulator
from ethosu_simulator.registers import ALL as PRODUCTS
from ethosu_simulator.registers import ENUMS, REGISTERS, Field, Register
from tests.checkout import CHECKOUT
from tests.ethosu_simulator.assembler import Assembler
from tests.ethosu_simulator.generator.cases import OPERATORS, case
from tests.ethosu_simulator.generator.compare import (
    EQUAL,
    EXPLAINED,
    NO_CASE,
    NO_REFERENCE,
    NO_VELA,
    ON_CPU,
    PASSING,
    Result,
)
from tests.ethosu_simulator.generator.pool import compare_all
from tests.ethosu_simulator.generator.shrink import shrink_all

COUNTS = Path(__file__).parent / "coverage.json"
README = CHECKOUT / "ethosu_simulator" / "README.md"
PAGE = CHECKOUT / "docs" / "reference" / "simulator-cases.md"
BEGIN, END = "<!-- coverage: begin -->\n", "<!-- coverage: end -->\n"
VECTORS_PER_CASE = 2
NOT_COMPARED = {ON_CPU: "CPU", NO_REFERENCE: "no reference", NO_VELA: "Vela refuses", NO_CASE: "no case"}
NO_ARITHMETIC = ("OP_STOP", "OP_IRQ", "OP_DMA_WAIT", "OP_KERNEL_WAIT", "OP_PMU_MASK")


def count(results: list[Result], command: str) -> dict[str, Any]:
    """The counts of a run, for JSON: vectors by operation, register setting and TFLite operator, each by product."""
    operations: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    settings: dict[str, Counter[str]] = defaultdict(Counter)
    operators: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for result in results:
        operator, _, product = result.case.split("-")[:3]
        operators[operator][product][result.status] += 1
        if result.status == EQUAL:
            for name in result.executed:
                operations[name][product][result.oracle] += VECTORS_PER_CASE
            for name in result.fields:
                settings[name][product] += VECTORS_PER_CASE
    return {
        "command": command,
        "date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}",
        "versions": {name: version(name) for name in ("ethos-u-vela", "tflite-micro", "ai-edge-litert")},
        "cases": len(results),
        "statuses": dict(Counter(result.status for result in results).most_common()),
        "elements": sum(result.elements for result in results),
        "operations": _plain(operations),
        "settings": _plain(settings),
        "operators": _plain(operators),
    }


def _plain(counts: Any) -> Any:
    if isinstance(counts, dict):
        return {key: _plain(counts[key]) for key in sorted(counts)}
    return counts


def modes(row: Register) -> list[tuple[str, dict[str, Any]]]:
    """(name, fields) of every kind of an operation: one per enumerator of its first field, or per value of a flag."""
    if row.name == "OP_CONV" and row.fields:
        return [("OP_CONV", {}), ("OP_CONV weights_ifm2", {"weights_ifm2": 1})]
    field: Field | None = next((f for f in row.fields if f.meaning in ENUMS), None)
    if field is None:
        return [(row.name, {})]
    return [(f"{row.name} {text}", {field.name: text}) for text in ENUMS[field.meaning].values()]


def is_modelled(product: str, row: Register, fields: dict[str, Any]) -> bool:
    """False when the simplest such operation raises NotModelled for the operation itself."""
    stream = Assembler(product)
    if "NONE" in fields.values():
        stream.put("ACC_FORMAT", acc_input="IFM2")
    if row.name in ("OP_CONV", "OP_DEPTHWISE") and not fields:
        stream.put("OFM_PRECISION", activation_type="SIGNED", scale_mode="PER_CHANNEL")
    if row.name == "OP_RESIZE":
        stream.put("OFM_SCALE", scale=1, shift=16)
    try:
        stream.do(row.name[3:], **fields).run(arena=_ones())
    except ethosu_simulator.NotModelled:
        return False
    except ethosu_simulator.WeightStreamError:  # the weights that it asks for are not there
        return True
    return True


def _ones() -> Any:
    import numpy as np

    return np.ones(4096, np.uint8)


def operation_table(counts: dict[str, Any]) -> list[str]:
    """Operation x product: bit-exact against which oracle on how many vectors, coded but untested, or not modelled."""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in REGISTERS:
        if not row.is_operation or row.name in NO_ARITHMETIC:
            continue
        for name, fields in modes(row):
            for product in row.products:
                found = counts["operations"].get(name, {}).get(product, {})
                exact = "; ".join(f"{oracle} {vectors:,}" for oracle, vectors in found.items())
                cells[name][product] = exact or ("coded, untested" if is_modelled(product, row, fields) else "not modelled")
    lines = ["| operation | " + " | ".join(product.upper() for product in PRODUCTS) + " |", "|---|" + "---|" * len(PRODUCTS)]
    for name in sorted(cells):
        lines.append(f"| {name} | " + " | ".join(cells[name].get(product, "") or "n/a" for product in PRODUCTS) + " |")
    return lines


def readme_block(counts: dict[str, Any]) -> str:
    """What stands between the markers in the simulator's README."""
    head = (
        f"`{counts['command']}` on {counts['date']}: {counts['cases']:,} random graphs, {counts['elements']:,} elements; "
        + ", ".join(f"{number:,} {status}" for status, number in counts["statuses"].items())
        + ". A number is vectors on which the output was bit-exact, after the oracle; n/a: the product lacks the operation."
    )
    return "\n".join([head, "", *operation_table(counts), ""])


def page(counts: dict[str, Any]) -> str:
    """The longer tables, for docs/reference."""
    versions = ", ".join(f"{name} {number}" for name, number in counts["versions"].items())
    lines = [
        "# Random graphs compared with TFLite's kernels",
        "",
        f"Written by `{counts['command']}` on {counts['date']} ({versions}). "
        "What the cases are: tests/ethosu_simulator/generator/.",
        "Equal: byte for byte. Explained: docs/decisions/simulator-and-tflite-micro.md says why they differ, and bounds it.",
        "In brackets what could not be compared: operators that Vela left to the CPU (CPU), graphs that no kernel of Micro",
        "or TFLite runs, or that end the process there (no reference), and graphs that Vela stops at (Vela refuses).",
        "",
        "## TFLite operators: equal + explained / cases (not compared)",
        "",
        "| operator | " + " | ".join(product.upper() for product in PRODUCTS) + " |",
        "|---|" + "---|" * len(PRODUCTS),
    ]
    for name, products in counts["operators"].items():
        lines.append(f"| {name} | " + " | ".join(_operator_cell(products.get(product, {})) for product in PRODUCTS) + " |")
    lines += [
        "",
        "## Register settings under which operations were bit-exact (vectors)",
        "",
        "| operation: register.field value | " + " | ".join(product.upper() for product in PRODUCTS) + " |",
        "|---|" + "---|" * len(PRODUCTS),
    ]
    for name, products in counts["settings"].items():
        lines.append(f"| {name} | " + " | ".join(f"{products.get(product, 0):,}" for product in PRODUCTS) + " |")
    return "\n".join(lines) + "\n"


def _operator_cell(statuses: dict[str, int]) -> str:
    explained = f" + {statuses[EXPLAINED]}" if statuses.get(EXPLAINED) else ""
    others = [f"{statuses[name]} {said}" for name, said in NOT_COMPARED.items() if statuses.get(name)]
    compared = f"{statuses.get(EQUAL, 0)}{explained} / {sum(statuses.values())}"
    return compared + (f" ({', '.join(others)})" if others else "")


def with_block(text: str, block: str) -> str:
    """The README with the block between its markers."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + block + END + rest.split(END)[1]


def write(counts: dict[str, Any]) -> None:
    """The counts and the tables made from them."""
    COUNTS.write_text(json.dumps(counts, indent=1) + "\n")
    README.write_text(with_block(README.read_text(), readme_block(counts)))
    PAGE.write_text(page(counts))


def main() -> int:
    """0 when nothing differs; the tables are written either way, failures shrunk into the golden folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", help="cases to run; without it only the tables are written anew")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=100_000)
    options = parser.parse_args()
    if options.count is None:
        write(json.loads(COUNTS.read_text()))
        return 0
    chosen = [str(case(options.first + number)) for number in range(options.count)]
    results = list(compare_all(chosen, options.workers))
    failures = [result for result in results if result.status not in PASSING]
    for result in failures:
        sys.stdout.write(f"{result.case}: {result.status}: {result.detail}\n")
    write(count(results, f"make simulator-cases CASES={options.count}"))
    for path in shrink_all(failures, Path(__file__).parent / "golden"):
        sys.stdout.write(f"kept {path}\n")
    return int(bool(failures))


def is_stale() -> str:
    """Why the tables are stale, or nothing."""
    counts = json.loads(COUNTS.read_text())
    if missing := sorted(set(OPERATORS) - set(counts["operators"])):
        return f"the counts lack the operators {missing}"
    if readme_block(counts) not in README.read_text():
        return "ethosu_simulator/README.md does not show the counts"
    return "" if PAGE.read_text() == page(counts) else f"{PAGE.name} does not show the counts"


if __name__ == "__main__":
    raise SystemExit(main())
