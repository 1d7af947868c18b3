"""`python -m tests.ethosu_simulator.generator.golden`: a small case of every operator on every product, kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.ethosu_simulator.generator.cases import LAYERS, Case
from tests.ethosu_simulator.generator.compare import EQUAL
from tests.ethosu_simulator.generator.integers import GRAPHS
from tests.ethosu_simulator.generator.pool import compare_all
from tests.ethosu_simulator.generator.shrink import keep
from tests.ethosu_simulator.toolchain import U55, U65, U85

GOLDEN = Path(__file__).parents[1] / "golden"
SEEDS = range(3)
CAP = 4


def candidates() -> Iterator[Case]:
    """Small cases of every operator, type and product; several seeds, for not every one lands on the NPU."""
    for number, operator in enumerate((*LAYERS, *GRAPHS, "chain4")):
        for dtype in ("INT32",) if operator in GRAPHS else ("INT8", "INT16"):
            for product in (U55, U65, U85):
                for seed in SEEDS:
                    config = product[number % len(product)]
                    yield Case(operator=operator, dtype=dtype, config=config, seed=seed, cap=CAP)


def main() -> None:
    """Writes the files; those of failing cases, which have other seeds, stay."""
    equal = {result.case for result in compare_all(map(str, candidates())) if result.status == EQUAL}
    chosen: dict[tuple[str, str, str], Case] = {}
    for case in candidates():
        if str(case) in equal:
            chosen.setdefault((case.operator, case.dtype, case.config), case)
    for case in chosen.values():
        keep(case, GOLDEN)
    sys.stderr.write(f"{len(chosen)} golden files\n")


if __name__ == "__main__":
    main()
