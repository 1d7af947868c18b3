"""A short run of the fuzzer, the same one each time, finds nothing; long ones, at random, by `make fuzz`."""

from __future__ import annotations

import pytest

from tests.ethosu_simulator.fuzz.statistics import SHARES, fuzz

RUNS = {
    "decoder": 30_000,
    "weights": 500,
    "file": 1500,
    "pte": 2000,
    "run": 400,
    "plan": 2000,
    "arena": 500,
    "older": 1000,
    "timing": 400,
}
SAME_EACH_TIME = ("-seed=1", "-reload=0", "-timeout=600")  # by default it reads its corpus again by the clock

pytest.importorskip("atheris", reason="atheris has no wheel for this platform")


@pytest.mark.slow
@pytest.mark.parametrize("target", SHARES)
def test_the_fuzzer_finds_typed_errors_only(target: str) -> None:
    code, printed = fuzz(target, *SAME_EACH_TIME, f"-runs={RUNS[target]}")
    assert code == 0, printed[-4000:]
    assert f"stat::number_of_executed_units: {RUNS[target]}" in printed
