"""What tests found goes into the results, and a failure with its case, whatever process ran the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.records.case_key import CaseKey
from harness.pytest_plugin.recorder import Recorder, put_on
from harness.results.findings import Findings
from harness.results.store import Results
from harness.results.stored_run import read_run
from tests.harness.builders import header, measurement, sample_group

ID = "benchmarks/test_latency.py::test_latency[level2_relu-ethos-u65-256-{}]"


def report(target: str, outcome: Any = "failed", **attributes: Any) -> pytest.TestReport:
    """A report as it comes from another process: what is plain JSON survives."""
    sent = json.loads(json.dumps(attributes))
    return pytest.TestReport(ID.format(target), ("x", 1, "x"), {}, outcome, "why: broken", "call", **sent)


def test_a_failure_is_kept_with_the_case_that_its_report_names(tmp_path: Path) -> None:
    results = Results(tmp_path / "run", header())
    case = {"name": "test_latency", "variant": "level2_relu", "profile": "ethos-u65-256", "target": "ssh:imx93-b"}
    Recorder(results).pytest_runtest_logreport(report("replay:recordings/b", ethos_test=case, ethos_error="bytes differ"))
    (failure,) = results.run().failures
    assert failure.case == CaseKey("level2_relu", "", "ethos-u65-256", "ssh:imx93-b")
    assert (failure.name, failure.message) == ("test_latency", "bytes differ")


def test_a_failure_of_a_process_that_crashed_is_charged_to_the_case_that_its_test_is_called_by(tmp_path: Path) -> None:
    results = Results(tmp_path / "run", header())
    results.add(Findings([measurement(target=target) for target in ("ssh:imx93", "ssh:imx93-b")]))
    Recorder(results).pytest_runtest_logreport(report("ssh:imx93-b"))
    (failure,) = results.run().failures
    assert failure.case == measurement(target="ssh:imx93-b").case


def test_findings_travel_on_a_report(tmp_path: Path) -> None:
    results = Results(tmp_path / "run", header())
    found = Findings([measurement(build="imgsz=320")], samples=[sample_group()])
    Recorder(results).pytest_runtest_logreport(report("host", "passed", ethos_findings=found.to_json()))
    assert results.run().records == tuple(found.records)
    assert results.run().samples == tuple(found.samples)
    assert results.run().failures == ()


def test_findings_that_cannot_be_kept_are_an_error_of_their_test_and_not_of_the_session(tmp_path: Path) -> None:
    results = Results(tmp_path / "run", header())
    nan = {**Findings([measurement()]).to_json()["records"][0], "value": float("nan")}
    reported = report("host", "passed")
    reported.ethos_findings = {**Findings().to_json(), "records": [nan]}  # type: ignore[attr-defined]
    Recorder(results).pytest_runtest_logreport(reported)
    Recorder(results).pytest_runtest_logreport(report("fvp", "passed", ethos_findings=Findings([measurement()]).to_json()))
    (failure,) = results.run().failures
    assert failure.test == ID.format("host")
    assert results.run().records == (measurement(),)
    assert read_run(results.folder).written == results.run().written


def test_a_failure_holds_no_password_and_no_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    results = Results(tmp_path / "run", header())
    said = "postgresql://me:canary@host/db of /home/somebody/x"
    Recorder(results).pytest_runtest_logreport(report("host", ethos_error=said))
    assert results.run().failures[0].message == "postgresql://me:***@host/db of ~/x"


def test_a_test_whose_figure_cannot_be_written_has_failed_and_its_other_figures_travel(tmp_path: Path) -> None:
    ended = report("ssh:board", "passed")
    latency = measurement(metric="latency_us", unit="us", stat="median", value=-5.0)
    assert put_on(ended, Findings([latency, measurement()])) == [measurement()]
    assert ended.failed
    results = Results(tmp_path / "run", header())
    Recorder(results).pytest_runtest_logreport(ended)
    assert results.run().records == (measurement(),)
    assert "latency_us[median]` cannot be recorded" in results.run().failures[0].message
