"""Files of older versions are read with what they said in texts only, and given on as they were written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.records.case_key import CaseKey
from core.records.failure import Failure
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.claims.verdicts import decide, judge
from harness.report.decision import decisions
from harness.report.run_view import RunView
from harness.report.tables import FigureTable
from harness.report.terminal import findings
from harness.results.older_files import with_case, with_figure, with_kind
from tests.harness.builders import claim, measurement, statement, suite, with_records
from tests.harness.report.runs import write_run

LIKE = [
    ("ssh:imx93", "ssh:imx93-b"), ("fvp", "fvp:sse-310"), ("ssh:a", "ssh:a-ssh:a"), ("farm:board=a", "farm:board=a,tags=x"),
]  # fmt: skip
"""Targets of which one is called like the beginning of another."""


def case_of(target: str, build: str = "") -> CaseKey:
    return CaseKey("level2_relu", build, "ethos-u65-256", target)


@pytest.mark.parametrize(("shorter", "longer"), LIKE)
@pytest.mark.parametrize("test", ["test_latency[{}]", "test_acceptance[{}: latency_us[p95] <= 45 @ measured]"])
def test_a_failure_is_charged_to_its_own_target_and_to_none_that_is_called_alike(shorter: str, longer: str, test: str) -> None:
    cases = [case_of(shorter), case_of(longer)]
    for case in cases:
        failure = Failure(test=f"benchmarks/x.py::{test.format(case)}", message="m")
        assert with_case(failure, cases).case == case
        assert with_case(failure, cases[::-1]).case == case


def test_a_failure_of_no_single_case_has_none() -> None:
    failure = with_case(Failure(test="benchmarks/x.py::test_statements[ethos-u65-256-host]", message="m"), [case_of("host")])
    assert (failure.name, failure.case) == ("test_statements", None)


def test_a_failure_that_was_written_with_its_case_keeps_it() -> None:
    failure = Failure(test="a::test_x[level2_relu-ethos-u65-256-fvp]", message="m", name="test_x")
    assert with_case(failure, [case_of("fvp")]) == failure


@pytest.mark.parametrize(("shorter", "longer"), LIKE)
def test_a_target_whose_name_begins_like_that_of_a_failed_one_is_not_stopped(tmp_path: Path, shorter: str, longer: str) -> None:
    failed = f"benchmarks/test_latency.py::test_latency[{case_of(longer)}]"
    run = write_run(tmp_path / "run", ("level2_relu",), failures=[(failed, "no samples")], executed=1.0)
    run = with_records(run, [measurement_at(target, figure) for target in (shorter, longer) for figure in run.records])
    states = {case.target: decision.state for case, decision in decisions(RunView(run)).items()}
    assert states == {shorter: "ship", longer: "stop"}


def measurement_at(target: str, figure: Measurement) -> Measurement:
    return replace(figure, target=target)


def test_a_verdict_names_the_figure_it_was_given_on() -> None:
    figures = [measurement(metric="map50", graph=graph, value=value) for graph, value in (("float", 0.9), ("int8", 0.8))]
    given = judge(claim(metric="map50", graph="int8"), figures)
    older = replace(given, metric="", graph="")
    assert with_figure(older, {figure.key: figure for figure in figures}) == given
    sentence = decide(statement("documented_ranking", text="a = b"), suite())
    assert with_figure(sentence, {}) == sentence


def test_what_was_not_run_because_it_does_not_fit_is_told_by_one_finding(tmp_path: Path) -> None:
    older = measurement(metric="latency_us", stat="median", unit="us", value=Unavailable("does not fit: needs 3 MiB"))
    assert with_kind(older).unavailable == Unavailable("does not fit: needs 3 MiB", "shortfall")
    other = measurement(value=Unavailable("no board"))
    assert with_kind(other) == other
    assert findings(FigureTable([with_kind(older)])) == []


def test_what_is_told_from_texts_is_not_written(tmp_path: Path) -> None:
    failed = f"benchmarks/test_latency.py::test_latency[{case_of('host')}]"
    run = write_run(tmp_path / "run", ("level2_relu",), failures=[(failed, "no samples")])
    assert run.failures[0].case == case_of("host")
    assert run.written.to_json()["failures"] == [{"test": failed, "message": "no samples"}]
