"""A short run of the fuzzer finds nothing; long ones by `make fuzz`."""

from __future__ import annotations

import pytest

from tests.ethosu_simulator.fuzz.statistics import SHARES, fuzz

SECONDS = 25

pytest.importorskip("atheris", reason="atheris has no wheel for this platform")


@pytest.mark.slow
@pytest.mark.parametrize("target", SHARES)
def test_the_fuzzer_finds_typed_errors_only(target: str) -> None:
    code, printed = fuzz(target, int(SECONDS * SHARES[target]))
    assert code == 0, printed[-4000:]
    assert "stat::number_of_executed_units" in printed
