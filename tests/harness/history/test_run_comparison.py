"""Two runs are compared figure by figure, what changed between them is named, and what cannot be compared is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.history.changes import causes, changes
from harness.history.knowledge import earlier_runs
from harness.history.run_comparison import Comparison, FigureComparison, Knowledge, compare
from harness.history.store import History, Point
from harness.history.trend import trends
from harness.report.comparison_report import comparison_json, comparison_tables, summary
from harness.tasks.interval import Interval
from tests.harness.builders import measurement
from tests.harness.history.runs import IDENTITY, latency, run


def judged(first: Measurement, second: Measurement, **knowledge: Any) -> FigureComparison:
    return compare(run(1, [first]), run(2, [second]), Knowledge(**knowledge)).judged[0]


def share(value: Any = 1.0, **changes: Any) -> Measurement:
    return measurement(value=value, **{"identity": IDENTITY, **changes})


@pytest.mark.parametrize(
    ("metric", "unit", "before", "after", "outcome"),
    [
        ("npu_operator_share", "ratio", 1.0, 1.0, "same"),
        ("npu_operator_share", "ratio", 1.0, 0.99, "worse"),
        ("arena_bytes", "bytes", 100, 101, "worse"),
        ("arena_bytes", "bytes", 100, 99, "better"),
        ("map50_95", "ratio", 0.7, 0.7 - 1e-12, "worse"),
        ("operators_fused", "count", 5, 6, "changed"),
        ("activation", "name", "relu", "leaky", "changed"),
        ("fits", "bool", True, False, "worse"),
        ("fits", "bool", False, True, "better"),
    ],
)
def test_figures_that_repeat_to_the_last_bit_compare_exactly(
    metric: str, unit: str, before: Any, after: Any, outcome: str
) -> None:
    found = judged(share(before, metric=metric, unit=unit), share(after, metric=metric, unit=unit))
    assert found.outcome == outcome
    assert found.negative == (outcome == "worse")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"weights": "d" * 64}, "weights"),
        ({"tools": {"vela": "6.0.0"}}, "tools.vela"),
        ({"options": {"recipe": "balanced"}}, "options.recipe"),
        ({"options": {}}, "options.recipe"),
        ({"tflite": "d" * 64}, "tflite"),
    ],
)
def test_what_changed_is_named_beside_the_figure(change: dict[str, Any], part: str) -> None:
    found = judged(share(), share(0.5, identity=replace(IDENTITY, **change)))
    assert found.outcome == "worse"
    assert [one.part for one in found.changes] == [part]


def test_files_that_differ_because_an_option_differs_are_no_causes() -> None:
    after = share(identity=replace(IDENTITY, tflite="d" * 64, compiled="e" * 64, options={"recipe": "balanced"}))
    found = changes(share(), after)
    assert [change.part for change in found] == ["tflite", "compiled", "options.recipe"]
    assert [str(change) for change in causes(found)] == ["options.recipe: fast -> balanced"]
    alone = changes(share(), share(identity=replace(IDENTITY, compiled="e" * 64)))
    assert [change.part for change in causes(alone)] == ["compiled"]


@pytest.mark.parametrize(
    "after",
    [
        latency(evidence=Evidence.MEASURED),
        latency(identity=replace(IDENTITY, target={"cpu": "y"})),
        latency(identity=replace(IDENTITY, profile="u65:2")),
        latency(unit="cycles"),
    ],
)
def test_figures_of_another_evidence_target_or_npu_are_not_compared(after: Measurement) -> None:
    found = judged(latency(), after)
    assert found.outcome == "not comparable"
    assert found.note
    assert not found.negative


@pytest.mark.parametrize(("evidence", "outcome"), [(Evidence.SIMULATED_FVP, "worse"), (Evidence.MEASURED, "undecided")])
def test_a_counter_repeats_on_a_simulated_clock_and_varies_on_a_board(evidence: Evidence, outcome: str) -> None:
    def counted(cycles: int) -> Measurement:
        return share(cycles, metric="npu_cycles", stat="active", unit="cycles", evidence=evidence)

    assert judged(counted(1000), counted(1001)).outcome == outcome


def test_another_version_of_the_simulator_is_named_and_its_figures_are_compared() -> None:
    before, after = (
        share(
            value, metric="bit_exact", unit="bool", evidence=Evidence.SIMULATED_OPEN, identity=replace(IDENTITY, target=target)
        )
        for value, target in ((True, {"simulator": "a" * 32}), (False, {"simulator": "b" * 32}))
    )
    found = judged(before, after)
    assert (found.outcome, [change.part for change in found.changes]) == ("worse", ["target.simulator"])


def test_map_on_other_images_is_not_compared() -> None:
    def accuracy(images: str) -> Measurement:
        return share(0.7, metric="map50_95", graph="int8", identity=Identity(options={"images": images}))

    assert judged(accuracy("638 of 638"), accuracy("32 of 638")).outcome == "not comparable"


@pytest.mark.parametrize(
    ("low", "high", "outcome"), [(0.002, 0.02, "worse"), (-0.02, -0.002, "better"), (-0.001, 0.02, "undecided")]
)
def test_a_difference_of_map_counts_when_other_images_would_show_it_too(low: float, high: float, outcome: str) -> None:
    before, after = (0.70, 0.69) if outcome != "better" else (0.69, 0.70)
    figures = [share(value, metric="map50_95", graph="int8") for value in (before, after)]
    found = judged(
        *figures, map_interval=lambda record: Interval(difference=0.01, low=low, high=high, level=0.99, resamples=1000, seed=0)
    )
    assert found.outcome == outcome
    assert "over images" in found.note


def test_a_figure_that_was_lost_is_negative_and_one_that_nobody_had_is_not() -> None:
    gone = Unavailable("the board is broken")
    assert judged(latency(), latency(gone)).negative
    assert judged(latency(gone), latency()).outcome == "new"
    assert judged(latency(gone), latency(gone)).outcome == "same"
    found = compare(run(1, [share(), latency()]), run(2, [share()]))
    assert [(one.key.metric, one.outcome) for one in found.judged] == [
        ("npu_operator_share", "same"),
        ("latency_us", "missing"),
    ]


def test_models_that_only_one_run_has_are_named_and_not_counted_as_lost() -> None:
    found = compare(run(1, [share(), share(variant="other")]), run(2, [share()]))
    assert found.only_first == (CaseKey("other", "", "ethos-u65-256", "host"),)
    assert not found.negative


def test_two_runs_latencies_need_earlier_runs_of_the_same_identity(history: History) -> None:
    slow, fast = latency(22_000.0), latency(20_000.0)
    assert judged(fast, slow).outcome == "undecided"
    for number in range(3, 9):
        history.add(run(number, [latency(20_000.0 + number), latency(90_000.0 * number, variant="another")]))
    history.add(run(9, [latency(50_000.0, identity=replace(IDENTITY, target={"cpu": "y"}))]))
    first, second = run(1, [fast]), run(2, [slow])
    earlier = earlier_runs(history, first, second)
    assert len(earlier(fast)) == 6
    found = compare(first, second, Knowledge(earlier)).judged[0]
    assert found.outcome == "slower"
    assert found.negative


def test_statistics_beside_the_median_do_not_decide() -> None:
    assert not judged(latency(stat="p95"), latency(Unavailable("x"), stat="p95")).negative


def _text(found: Comparison) -> str:
    from rich.console import Console

    console = Console(width=200, highlight=False)
    with console.capture() as captured:
        for part in comparison_tables(found):
            console.print(part)
    return captured.get()


def test_the_report_says_what_changed_before_what_became_of_it() -> None:
    after = [share(0.9, identity=replace(IDENTITY, options={"recipe": "balanced"})), share(variant="base")]
    text = _text(compare(run(1, [share(), share(variant="base")]), run(2, after)))
    assert text.index("options.recipe: fast -> balanced  (level2_relu)") < text.index("worse")
    assert "nothing  (base)" in text
    assert "1 worse, 1 same: negative" in text


def test_the_same_twice_is_said_to_be_the_same() -> None:
    found = compare(run(1), run(1))
    assert "Nothing changed" in _text(found)
    assert "nothing is worse" in summary(found)
    assert json.loads(comparison_json(found))["negative"] is False


def point(number: int, value: float | Unavailable, **changes: Any) -> Point:
    return Point(f"run-{number}", f"2026-01-{number:02d}", "c" * 40, False, latency(value, **changes))


def test_a_trend_names_the_run_at_which_a_sampled_figure_changed_its_level() -> None:
    values = [100.0 + i % 3 for i in range(10)] + [110.0 + i % 3 for i in range(10)]
    (trend,) = trends([point(number, value) for number, value in enumerate(values, 1)])
    assert [step.point.run for step in trend.steps if step.jump] == ["run-11"]
    assert "+9.90 %" in next(step.text for step in trend.steps if step.jump)


def test_a_trend_names_every_change_of_a_figure_that_repeats_and_why() -> None:
    after = replace(IDENTITY, tools={"vela": "6.0.0"})
    points = [
        point(n, v, metric="arena_bytes", stat="", identity=identity)
        for n, v, identity in ((1, 8, IDENTITY), (2, 8, IDENTITY), (3, 12, after))
    ]
    (trend,) = trends(points)
    assert [step.text for step in trend.steps] == ["", "", "+50.00 %; tools.vela: 5.2.0 -> 6.0.0"]


def test_a_trend_does_not_compare_across_what_cannot_be_compared() -> None:
    elsewhere = replace(IDENTITY, target={"cpu": "y"})
    values = [100.0 + i % 3 for i in range(12)] + [200.0 + i % 3 for i in range(12)]
    points = [point(n, v, identity=IDENTITY if n <= 12 else elsewhere) for n, v in enumerate(values, 1)]
    (trend,) = trends(points)
    assert [step for step in trend.steps if step.jump] == []
    assert [(step.point.run, step.apart, step.causes) for step in trend.steps if step.apart] == [
        ("run-13", "not the same target: target.cpu: x -> y", ("target.cpu: x -> y",))
    ]


def test_a_run_without_a_value_does_not_hide_that_its_neighbours_cannot_be_compared() -> None:
    elsewhere = replace(IDENTITY, target={"cpu": "y"})
    points = [point(1, 100.0), point(2, Unavailable("no clock"), identity=elsewhere), point(3, 200.0, identity=elsewhere)]
    (trend,) = trends(points)
    assert [step.apart for step in trend.steps] == ["", "", "not the same target: target.cpu: x -> y"]
    assert not any(step.jump for step in trend.steps)


def test_a_search_without_time_says_so_and_equal_series_are_searched_once() -> None:
    values = [100.0 + i % 3 for i in range(10)] + [110.0 + i % 3 for i in range(10)]
    points = [point(n, v, profile=p) for p in ("a", "b") for n, v in enumerate(values, 1)]
    assert [(trend.searched, any(step.jump for step in trend.steps)) for trend in trends(points, 0)] == [(False, False)] * 2
    assert [trend.searched for trend in trends(points)] == [True, True]
