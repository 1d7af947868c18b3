"""Random graphs give the bytes of TFLite's reference kernels: 100 of them in CI, thousands by `make nightly`."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.ethosu_simulator.generator.cases import case
from tests.ethosu_simulator.generator.compare import EQUAL, PASSING
from tests.ethosu_simulator.generator.pool import compare_all

NIGHTLY = 3000  # of which a good four fifths have a reference and land on the NPU


def _compare(first: int, count: int, least: int) -> None:
    chosen = [str(case(number)) for number in range(first, first + count)]
    sys.stdout.write(f"cases {chosen[0]} to {chosen[-1]}: `python -m tests.ethosu_simulator.generator {first} {count}`\n")
    results = list(compare_all(chosen))
    failures = [f"{result.case}: {result.status}: {result.detail}" for result in results if result.status not in PASSING]
    hint = "\nhint: python -m tests.ethosu_simulator.generator 0 0 --golden tests/ethosu_simulator/golden --cases CASE ..."
    assert not failures, "\n".join(failures) + hint
    totals = Counter(result.status for result in results)
    sys.stdout.write(f"{dict(totals)}\n")
    assert totals[EQUAL] >= least


@pytest.mark.slow
def test_a_hundred_random_graphs_are_bit_exact() -> None:
    _compare(0, 100, 70)


@pytest.mark.nightly
def test_two_thousand_random_graphs_are_bit_exact() -> None:
    _compare(100_000, NIGHTLY, 2000)
