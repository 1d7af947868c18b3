"""Keeps what tests found and which of them failed, in the process that writes the results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest

from core.errors import EthosBenchError
from core.records.case_key import CaseKey
from core.records.failure import Failure
from harness.results.store import Findings, Results
from harness.workbench.workbench import Workbench


class Recorder:
    """Keeps what tests found. Registered only in the process that writes the results, which under xdist runs no test."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the findings off a report, and note how the test ended; a results folder that is full ends the session."""
        with ending_the_session():
            self._keep(report)

    def _keep(self, report: pytest.TestReport) -> None:
        findings = getattr(report, "ethos_findings", None)
        if findings:
            self.results.add(Findings.from_json(findings))
        if report.when == "call" or not report.passed:
            self.results.log(f"{report.outcome} {report.nodeid} {report.duration:.2f} s")
        if report.failed:
            message = getattr(report, "ethos_error", "") or str(report.longrepr).strip().splitlines()[-1]
            told: dict[str, str] = getattr(report, "ethos_test", {})  # none from a process that crashed
            self.results.fail(Failure(test=report.nodeid, message=message, **told))


def test_of(item: pytest.Item, bench: Workbench | None) -> dict[str, str]:
    """What a failure keeps of its test: the function's name, and its case where it is of one."""
    name = {"name": getattr(item, "originalname", None) or item.name}
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if bench is None or not {"case", "requirement"} & parameters.keys():
        return name
    case: CaseKey = parameters["requirement"].key.case if "requirement" in parameters else parameters["case"]
    with contextlib.suppress(EthosBenchError):  # a target that is not there has no other name than this
        case = replace(case, target=bench.targets.of(case.target).recorded_as)
    return {**name, **asdict(case)}


@contextlib.contextmanager
def ending_the_session() -> Iterator[None]:
    """End the session with an error's message and exit code, where pytest would show a stack trace of its own."""
    try:
        yield
    except EthosBenchError as error:
        pytest.exit(str(error), returncode=error.exit_code)
