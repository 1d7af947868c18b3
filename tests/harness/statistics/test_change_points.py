"""A change of level in a history is found at its run, and rarely where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.studies.statistics.rates import change_point_rates
from harness.statistics.change_points import change_points


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count)


def test_a_step_is_found_at_the_run_where_it_is() -> None:
    series = 100 + noise(24)
    series[12:] += 10
    assert change_points(series.tolist()) == [12]


@pytest.mark.parametrize("levels", [(0, 20, 40), (0, 20, 0), (20, 0, 10)])
def test_two_changes_are_both_found_where_they_are_a_level_that_came_and_went_too(levels: tuple[int, ...]) -> None:
    found = []
    for seed in range(20):
        series = 100 + noise(45, seed) + np.repeat(levels, 15)
        found.append(change_points(series.tolist()))
    assert found.count([15, 30]) >= 17


@pytest.mark.parametrize("series", [[], [1.0] * 50, [1.0, 2.0, 1.0], [1.0] * 3 + [9.0] * 4])
def test_too_short_or_constant_series_have_none(series: list[float]) -> None:
    assert change_points(series) == []


def test_one_wild_run_is_no_change_of_level() -> None:
    series = 100 + 0.1 * noise(24)
    series[10] = 1000
    assert change_points(series.tolist()) == []


def test_the_same_series_has_the_same_change_points() -> None:
    series = noise(30).tolist()
    assert change_points(series) == change_points(series)


def test_false_alarms_stay_at_the_rate_that_is_promised() -> None:
    alarms, found, _ = change_point_rates(0.01, 200)
    assert alarms.count <= 7
    assert found.count >= 190
