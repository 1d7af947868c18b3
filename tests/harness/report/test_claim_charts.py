"""Documented against found: a chart for every document and figure, and no number that is not in it."""

from __future__ import annotations

from dataclasses import replace

from core.records.claim import Document
from harness.claims.verdicts import decide, judge
from harness.report.html.claim_charts import claim_charts
from tests.harness.builders import claim, measurement, statement, suite


def test_each_document_and_figure_has_a_chart_of_its_own() -> None:
    other = replace(claim(), document=Document("another", "2025-11", "", ""), value=0.9)
    accuracy = claim(metric="map50", graph="float", value=0.9)
    figures = [measurement(value=0.97), measurement(metric="map50", graph="float", value=0.91)]
    charts = claim_charts([judge(one, figures) for one in (claim(), other, accuracy)])
    assert [(chart.title, chart.caption) for chart in charts] == [
        ("Operators on the Ethos-U", "the summary"),
        ("Operators on the Ethos-U", "another"),
        ("mAP50 of the float graph", "the summary"),
    ]
    assert charts[0].evidence == ("documented", "compiled")
    assert "level2_relu: 85.0 % documented, 97.0 % found, +12.0 points, exceeded" in charts[0].svg


def test_statements_and_claims_without_a_figure_have_no_chart() -> None:
    assert claim_charts([decide(statement("documented_ranking"), suite()), judge(claim(), [measurement(metric="macs")])]) == []


def test_what_several_npus_found_alike_is_one_dumbbell() -> None:
    verdicts = [judge(claim(), [measurement(profile=profile)]) for profile in ("u55", "u65")]
    (chart,) = claim_charts(verdicts)
    assert chart.svg.count("level2_relu: 85.0 % documented") == claim_charts(verdicts[:1])[0].svg.count(
        "level2_relu: 85.0 % documented"
    )
