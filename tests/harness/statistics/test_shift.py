"""Verdicts on shifts keep their promises: exact intervals, a bound that matters, and no verdict without grounds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmarks.studies.statistics.rates import run_verdicts, simulated
from harness.statistics.interleaved import interleaved
from harness.statistics.shift import LEVEL, Shift, critical_position, rounds_shift, runs_shift


def rounds(medians: list[float]) -> list[list[float]]:
    return [[median] for median in medians]


def test_the_interval_is_the_exact_one_of_the_signed_rank_distribution() -> None:
    """All sign patterns of n ranks, counted one by one."""
    for count in range(5, 12):
        sums = [sum(r for r, up in zip(range(1, count + 1), signs, strict=True) if up)
                for signs in itertools.product((False, True), repeat=count)]  # fmt: skip
        position = critical_position(count)
        if position:
            assert 2 * sum(s < position for s in sums) / len(sums) <= 1 - LEVEL
        assert 2 * sum(s < position + 1 for s in sums) / len(sums) > 1 - LEVEL


def test_a_shift_is_beyond_zero_exactly_when_wilcoxons_test_says_so() -> None:
    random = np.random.default_rng(1)
    outcomes = set()
    for _ in range(300):
        first, second = random.lognormal(0, 0.02, 10), random.lognormal(0.02, 0.02, 10)
        shift = rounds_shift(rounds(list(first)), rounds(list(second)))
        p = wilcoxon(np.log(second) - np.log(first), method="exact").pvalue
        assert (shift.low > 0 or shift.high < 0) == (p <= 1 - LEVEL)
        outcomes.add(shift.verdict)
    assert outcomes >= {"slower", "undecided"}


def test_the_shift_is_the_ratio_and_turning_the_two_round_turns_the_verdict_round() -> None:
    base = [100.0 + i for i in range(10)]
    slower = [value * 1.05 for value in base]
    forth, back = rounds_shift(rounds(base), rounds(slower)), rounds_shift(rounds(slower), rounds(base))
    assert forth.shift == pytest.approx(0.05)
    assert (forth.verdict, back.verdict) == ("slower", "faster")
    assert (1 + forth.shift) * (1 + back.shift) == pytest.approx(1)


@pytest.mark.parametrize(
    ("shift", "low", "high", "verdict"),
    [
        (0.0, -0.009, 0.009, "equivalent"),
        (0.005, 0.004, 0.006, "equivalent"),
        (0.008, 0.001, 0.02, "undecided"),
        (0.02, 0.001, 0.05, "slower"),
        (-0.02, -0.05, -0.001, "faster"),
        (0.02, -0.001, 0.05, "undecided"),
        (0.3, -math.inf, math.inf, "undecided"),
    ],
)
def test_a_verdict_needs_an_interval_and_a_shift_that_matters(shift: float, low: float, high: float, verdict: str) -> None:
    assert Shift(shift, low, high, 0.0, bound=0.01).verdict == verdict


def test_too_few_rounds_are_no_verdict_however_large_the_difference() -> None:
    found = rounds_shift(rounds([1.0] * 7), rounds([2.0] * 7))
    assert found.verdict == "undecided"
    assert "7 rounds are too few" in found.why
    assert rounds_shift(rounds([1.0] * 8), rounds([2.0] * 8)).verdict == "slower"
    with pytest.raises(ValueError, match="pair up"):
        rounds_shift(rounds([1.0]), rounds([1.0, 2.0]))


def test_two_runs_are_judged_by_how_far_earlier_ones_differ() -> None:
    calm, wild = [100 + 0.1 * i for i in range(8)], [100.0, 150.0, 80.0, 120.0, 90.0, 140.0, 100.0]
    assert runs_shift(100, 105, calm).verdict == "slower"
    assert runs_shift(105, 100, calm).verdict == "faster"
    assert runs_shift(100, 100.1, calm, bound=0.03).verdict == "equivalent"
    assert runs_shift(100, 105, wild).verdict == "undecided"
    few = runs_shift(100, 200, calm[:5])
    assert few.verdict == "undecided"
    assert "5 of the 6" in few.why


def test_turns_are_taken_alternately_and_give_at_least_the_samples_asked_for() -> None:
    order: list[str] = []

    def take(name: str) -> list[float]:
        order.append(name)
        return [1.0, 2.0]

    first, second = interleaved(lambda _: take("a"), lambda _: take("b"), repeats=8, rounds=4)
    assert "".join(order) == "abbaabba"
    assert len(first) == len(second) == 4
    sizes: list[int] = []
    interleaved(lambda n: sizes.append(n) or [1.0], lambda n: [1.0], repeats=50, rounds=8)  # type: ignore[func-returns-value]
    assert sizes == [7] * 8


@pytest.mark.parametrize("kind", ["independent", "drift of 10 %", "turns with levels of their own"])
def test_error_rates_are_those_that_the_page_promises(kind: str) -> None:
    found = simulated(kind, 0.01, 400)
    assert found.alarms.count <= 0.01 * 400
    assert found.seen.count >= 0.95 * 400


def test_runs_without_turns_keep_the_rate_of_false_alarms_too() -> None:
    alarms, _ = run_verdicts(0.02, 2000)
    assert alarms.count <= 0.02 * 2000
