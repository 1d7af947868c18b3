"""One row per metric: complete, read by everything that shows figures, and enough to ask for it as a threshold."""

from __future__ import annotations

import inspect

import pytest

from core.metrics import BY_NAME, FREE, METRICS, RUN_STEPS, Metric, metric_of, nearest
from core.records.run import COUNTERS
from core.records.unavailable import Unavailable
from harness.acceptance.thresholds import parse_threshold
from harness.workbench.case import Case
from harness.workbench.rules_case import RulesCase
from tests.harness.builders import measurement


def test_every_metric_has_one_row() -> None:
    assert len(BY_NAME) == len(METRICS)


def threshold_text(metric: Metric, stat: str, graph: str) -> str:
    qualifiers = ", ".join(part for part in ("Stop" if stat == "*" else stat, graph) if part)
    value = {"bool": "true", "name": "relu"}.get(metric.unit, "1")
    return f"{metric.name}{f'[{qualifiers}]' if qualifiers else ''} == {value}"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_can_be_asked_for_as_a_threshold(metric: Metric) -> None:
    for stat in metric.stats:
        for graph in metric.graphs:
            found = parse_threshold(threshold_text(metric, stat, graph))
            assert (found.metric, found.stat, found.graph) == (metric.name, "Stop" if stat == "*" else stat, graph)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_who_yields_a_metric_is_a_step_of_a_case(metric: Metric) -> None:
    assert inspect.isfunction(getattr(RulesCase if metric.step == "rules" else Case, metric.step))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_has_its_words(metric: Metric) -> None:
    assert metric.title
    assert metric.meaning
    assert metric.short or metric.graphs != ("",) or metric.stats == FREE or metric.step == "identity"


def test_a_counter_of_an_npu_is_recorded_as_a_metric_that_has_its_stat() -> None:
    for metric, stat in COUNTERS.values():
        assert stat in BY_NAME[metric].stats or BY_NAME[metric].stats == FREE
    assert COUNTERS["active_cycles"] == ("npu_cycles", "active")
    assert COUNTERS["axi0_read_beats"] == ("npu_beats", "axi0_read")


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("npu_operator_share", 0.976, "97.6"),
        ("npu_operator_share", Unavailable("why"), "-"),
        ("fits", True, "yes"),
        ("fits", False, "no"),
        ("activation", "relu", "relu"),
        ("macs", 5_228_006_400, "5,228,006,400"),
        ("operators_cpu", 0, "0"),
        ("arena_bytes", 2**20, "1.00"),
        ("latency_us", 12_345.6, "12.35"),
        ("map50_95_drop", 0.01, "+0.010"),
    ],
)
def test_a_value_is_written_as_its_metrics_row_says(metric: str, value: object, text: str) -> None:
    assert BY_NAME[metric].text(measurement(metric=metric, value=value)) == text


def test_a_metric_that_is_told_by_its_note_is_shown_by_it() -> None:
    assert BY_NAME["bit_exact_images"].text(measurement(metric="bit_exact_images", value=4, note="4 of 4")) == "4 of 4"


def test_latencies_are_judged_by_their_median_and_details_by_nothing() -> None:
    assert [stat for stat in ("median", "p95", "min", "mean") if BY_NAME["latency_us"].decides(stat)] == ["median"]
    assert not BY_NAME["class_map50"].decides("Stop")
    assert BY_NAME["map50_95"].decides("")


def test_what_depends_on_the_target_is_what_a_run_yields() -> None:
    assert {metric.step for metric in METRICS if metric.of_target} == set(RUN_STEPS)


def test_a_metric_that_nobody_knows_compares_exactly_and_is_better_neither_way() -> None:
    unknown = metric_of("brand_new")
    assert (unknown.better, unknown.repeats("measured")) == ("neither", True)
    assert nearest("latency_ms", BY_NAME) == "latency_us"
