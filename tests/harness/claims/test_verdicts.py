"""Verdicts: each rule confirmed, refuted and undecidable; each edge of a tolerance."""

from __future__ import annotations

from typing import Any

import pytest

from core.records.identity import Identity
from core.records.unavailable import Unavailable
from harness.claims.verdicts import RANKING, RULES, Suite, decide, judge
from tests.harness.builders import LEVELS, claim, measurement, statement, suite


def shares(**changes: float) -> dict[str, float]:
    return dict.fromkeys(("base_silu", *LEVELS), 1.0) | changes


def without(*names: str) -> Suite:
    full = suite()
    kept = {name: share for name, share in full.shares.items() if name not in names}
    return suite(
        shares=kept,
        memory_bytes={name: full.memory_bytes[name] for name in kept},
        weights={name: full.weights[name] for name in kept},
    )


DOCUMENTED_ORDER = {name: 0.97 - 0.02 * place for place, name in enumerate(RANKING)}
TWO_POINTS = shares(
    level2_relu=0.85, level2_leaky=0.87, level3_relu=0.90, level3_leaky=0.92, level4_relu=0.95, level4_leaky=0.97
)
SAME_LEVELS = {"level3_relu": "a", "level4_relu": "a", "level3_leaky": "b", "level4_leaky": "b"}
NOTHING = suite(shares={}, memory_bytes={}, weights={})

CASES: list[tuple[str, str, Suite, str]] = [
    ("leaky_two_points_above_relu", "confirmed", suite(shares=TWO_POINTS), "L2 +2.0, L3 +2.0, L4 +2.0 points"),
    ("leaky_two_points_above_relu", "confirmed", suite(shares=TWO_POINTS | {"level2_leaky": 0.875}), "L2 +2.5"),
    ("leaky_two_points_above_relu", "refuted", suite(shares=TWO_POINTS | {"level2_leaky": 0.8751}), "L2 +2.5"),
    ("leaky_two_points_above_relu", "refuted", suite(), "L2 +0.0, L3 +0.0, L4 +0.0 points"),
    ("leaky_two_points_above_relu", "refuted", suite(shares=TWO_POINTS | {"level4_leaky": 0.95}), "L4 +0.0"),
    ("leaky_two_points_above_relu", "no figure", without("level3_leaky"), "L2 +0.0, L4 +0.0 points"),
    ("leaky_two_points_above_relu", "no figure", NOTHING, "no level has both"),
    ("documented_ranking", "confirmed", suite(shares=DOCUMENTED_ORDER), "level4_leaky 97.0 %"),
    ("documented_ranking", "refuted", suite(), "100.0 %"),
    ("documented_ranking", "refuted", suite(shares=DOCUMENTED_ORDER | {"level2_relu": 0.99}), "level2_relu 99.0 %"),
    ("documented_ranking", "no figure", without("level2_relu"), "level2_leaky"),
    ("documented_ranking", "no figure", NOTHING, "no shares"),
    ("level4_differs_from_level3", "confirmed", suite(), "level4_relu differs from level3_relu"),
    ("level4_differs_from_level3", "refuted", suite(weights=SAME_LEVELS), "level4_leaky is level3_leaky"),
    ("level4_differs_from_level3", "refuted", suite(weights=SAME_LEVELS | {"level4_relu": "c"}), "level4_relu differs"),
    ("level4_differs_from_level3", "no figure", NOTHING, "levels missing"),
    ("variants_above_base", "confirmed", suite(shares=shares(base_silu=0.9)), "base_silu 90.0 %, variants 100.0 to 100.0 %"),
    ("variants_above_base", "refuted", suite(), "base_silu 100.0 %"),
    ("variants_above_base", "refuted", suite(shares=shares(base_silu=0.9, level3_relu=0.89)), "variants 89.0 to 100.0 %"),
    ("variants_above_base", "no figure", without("base_silu"), "missing"),
    ("variants_above_base", "no figure", without(*LEVELS), "missing"),
    ("needs_four_gigabytes", "confirmed", suite(memory_bytes={"level2_relu": 4_000_000_000}), "at most 4000.0 MB"),
    ("needs_four_gigabytes", "refuted", suite(memory_bytes={"level2_relu": 3_999_999_999}), "at most 4000.0 MB"),
    ("needs_four_gigabytes", "refuted", suite(), "at most 5.0 MB"),
    ("needs_four_gigabytes", "no figure", NOTHING, "no variant compiled"),
    ("level2_leaky_does_not_compile", "confirmed", suite(shares={}, failures={"level2_leaky": "no memory"}), "no memory"),
    ("level2_leaky_does_not_compile", "refuted", suite(), "100.0 % of operators on the NPU"),
    ("level2_leaky_does_not_compile", "no figure", without("level2_leaky"), "not part of this run"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "outcome", "found_suite", "words"), CASES)
def test_a_rule_decides_on_the_numbers_and_shows_them(rule: str, outcome: str, found_suite: Suite, words: str) -> None:
    verdict = decide(statement(rule), found_suite)
    assert verdict.outcome == outcome
    assert words in str(verdict.found)
    assert verdict.documented


def test_every_rule_is_seen_confirmed_refuted_and_undecidable() -> None:
    seen = {(rule, outcome) for rule, outcome, _, _ in CASES}
    assert seen == {(rule, outcome) for rule in RULES for outcome in ("confirmed", "refuted", "no figure")}


WHOLE = {"images": "638 of 638", "data": "d"}


@pytest.mark.parametrize(
    ("options", "outcome", "why"),
    [
        (WHOLE, "exceeded", "another NPU"),
        (WHOLE | {"images": "4 of 638"}, "not comparable", "documented for images 638 of 638, ours is for 4 of 638"),
        (WHOLE | {"data": "e"}, "not comparable", "documented for data d, ours is for e"),
        ({}, "not comparable", "documented for images 638 of 638, ours is for not known"),
    ],
)
def test_a_figure_taken_under_other_conditions_is_another_quantity(options: dict[str, str], outcome: str, why: str) -> None:
    verdict = judge(claim(conditions=WHOLE), [measurement(identity=Identity(weights="w", options=options))])
    assert (verdict.outcome, verdict.why) == (outcome, why)
    assert (verdict.documented, verdict.found) == (0.85, 1.0)


def test_a_statement_about_nothing_comparable_is_not_judged() -> None:
    assert decide(statement("documented_ranking", comparability="none"), suite()).outcome == "not comparable"


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (0.85, "confirmed"),
        (0.855, "confirmed"),
        (0.845, "confirmed"),
        (0.8551, "exceeded"),
        (0.8449, "fell short"),
        (1.0, "exceeded"),
        (0, "fell short"),
    ],
)
def test_within_half_a_point_is_confirmed_above_exceeded_below_fell_short(found: float, outcome: str) -> None:
    verdict = judge(claim(), [measurement(value=found)])
    assert verdict.outcome == outcome
    assert (verdict.documented, verdict.found) == (0.85, found)
    assert verdict.difference == pytest.approx(found - 0.85)


@pytest.mark.parametrize(("found", "outcome"), [(7_050_000, "confirmed"), (7_050_001, "exceeded"), (6_949_999, "fell short")])
def test_a_tolerance_in_bytes_is_as_sharp_as_one_in_points(found: int, outcome: str) -> None:
    bytes_claim = claim(metric="checkpoint_bytes", value=7_000_000, unit="bytes", tolerance=50_000)
    assert judge(bytes_claim, [measurement(metric="checkpoint_bytes", value=found)]).outcome == outcome


@pytest.mark.parametrize(("found", "outcome"), [(3_354_829, "confirmed"), (3_354_830, "exceeded"), (3_354_828, "fell short")])
def test_a_count_without_tolerance_is_exact(found: int, outcome: str) -> None:
    count = claim(metric="parameters", value=3_354_829, unit="count", tolerance=0)
    assert judge(count, [measurement(metric="parameters", value=found)]).outcome == outcome


def test_a_claim_about_nothing_comparable_shows_both_numbers_and_no_judgement() -> None:
    verdict = judge(claim(comparability="none"), [measurement(value=0.2)])
    assert (verdict.outcome, verdict.documented, verdict.found) == ("not comparable", 0.85, 0.2)


def test_a_figure_that_could_not_be_had_is_no_verdict_but_its_reason() -> None:
    verdict = judge(claim(), [measurement(value=Unavailable("untrained weights have no accuracy"))])
    assert (verdict.outcome, verdict.found, verdict.difference) == ("no figure", "none", None)
    assert verdict.note == "untrained weights have no accuracy"


def test_a_metric_that_the_run_lacks_says_so() -> None:
    verdict = judge(claim(metric="map50"), [measurement()])
    assert (verdict.outcome, verdict.note) == ("no figure", "not part of this run")


def test_a_claim_is_judged_under_its_own_metric_and_graph_only() -> None:
    figures = [
        measurement(metric="map50_95", graph="int8", value=0.6),
        measurement(metric="map50_95", graph="float", value=0.7),
        measurement(metric="map50_95_ultralytics83", graph="float", value=0.759),
    ]
    published = claim(metric="map50_95_ultralytics83", graph="float", value=0.759)
    assert judge(published, figures).outcome == "confirmed"
    assert judge(claim(metric="map50_95", graph="float", value=0.7), figures).found == 0.7


def test_a_verdict_carries_profile_target_and_evidence_of_its_figure() -> None:
    figure: dict[str, Any] = {"profile": "ethos-u85-256", "target": "fvp"}
    verdict = judge(claim(), [measurement(**figure)])
    assert (verdict.profile, verdict.target, verdict.evidence.value) == ("ethos-u85-256", "fvp", "compiled")
