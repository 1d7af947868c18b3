"""How a case stands to a threshold: met, missed, or open where a figure is missing or its interval lies on both sides."""

from __future__ import annotations

import pytest

from core.records.case_key import CaseKey
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.acceptance.standing import default_thresholds, of_case, stand, standings
from harness.acceptance.thresholds import parse_threshold
from tests.harness.builders import measurement

CASE = CaseKey("level2_relu", "", "ethos-u65-256", "host")


def state(text: str, *figures: Measurement) -> str:
    return stand(of_case(parse_threshold(text), CASE), {figure.key: figure for figure in figures}).state


def drop(low: float, high: float) -> list[Measurement]:
    values = {"": (low + high) / 2, "low": low, "high": high}
    return [
        measurement(metric="map50_95_drop", graph="int8", stat=stat, value=value) for stat, value in values.items()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.01, 0.010, "met"), (0.0101, 0.03, "missed"), (0.0, 0.0101, "open"), (0.010, 0.02, "open")],
)
def test_a_loss_is_judged_by_both_ends_of_its_interval(low: float, high: float, expected: str) -> None:
    assert state("map50_95_drop <= 0.010", *drop(low, high)) == expected


def test_a_loss_without_an_interval_is_not_proven() -> None:
    assert state("map50_95_drop <= 0.010", drop(0.0, 0.0)[0]) == "open"


def test_an_end_that_is_asked_for_by_name_is_judged_alone() -> None:
    assert state("map50_95_drop[high] <= 0.02", *drop(0.0, 0.03)) == "missed"


def test_what_is_missing_or_of_other_evidence_is_open_and_what_is_there_is_met_or_missed() -> None:
    share = "npu_mac_share >= 0.99 @ compiled"
    assert state(share) == "open"
    assert state(share, measurement(metric="npu_mac_share", value=Unavailable("none"))) == "open"
    assert state("npu_mac_share >= 0.99 @ measured", measurement(metric="npu_mac_share")) == "open"
    assert state(share, measurement(metric="npu_mac_share", value=0.99)) == "met"
    assert state(share, measurement(metric="npu_mac_share", value=0.98)) == "missed"


EVERY_TASK = ["fits == true", "npu_mac_share >= 0.99", "npu_executed_share >= 0.99", "bit_exact == true"]


def test_the_default_file_asks_for_what_is_pinned_and_every_line_has_a_standing() -> None:
    drops = ["map50_95_drop <= 0.010", "top1_drop <= 0.010", "auc_drop <= 0.010"]
    assert [threshold.text for threshold in default_thresholds()] == [*EVERY_TASK, *drops]
    assert {standing.state for standing in standings(CASE, {})} == {"open"}


@pytest.mark.parametrize(
    ("metric", "drop"), [("", "map50_95_drop"), ("map50_95", "map50_95_drop"), ("top1", "top1_drop"), ("auc", "auc_drop")]
)
def test_a_case_is_asked_for_what_int8_costs_of_its_own_task_only(metric: str, drop: str) -> None:
    figure = measurement(metric=metric or "macs", value=0.9, graph="int8" if metric else "")
    asked = [one.threshold.text for one in standings(figure.case, {figure.key: figure})]
    assert asked == [*EVERY_TASK, f"{drop} <= 0.010"]
