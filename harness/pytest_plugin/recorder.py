"""Keeps what tests found and which of them failed, in the process that writes the results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import pytest

from core.errors import EthosBenchError
from core.records.case_key import CaseKey
from core.records.failure import Failure
from core.records.measurement import Measurement
from harness.results.findings import Findings
from harness.results.store import Results
from harness.results.writable import writable
from harness.workbench.workbench import Workbench


class Recorder:
    """Keeps what tests found. Registered only in the process that writes the results, which under xdist runs no test."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the findings off a report, and note how the test ended; a results folder that is full ends the session."""
        with ending_the_session():
            self._keep(report)

    def pytest_unconfigure(self) -> None:
        """Let another run write into the results folder."""
        self.results.close()

    def _keep(self, report: pytest.TestReport) -> None:
        findings = getattr(report, "ethos_findings", None)
        if findings:
            self._add(report, findings)
        if report.when == "call" or not report.passed:
            self.results.log(f"{report.outcome} {report.nodeid} {report.duration:.2f} s")
        if report.failed:
            message = getattr(report, "ethos_error", "") or _last_line(str(report.longrepr))
            told: dict[str, str] = getattr(report, "ethos_test", {})  # none from a process that crashed
            self.results.fail(Failure(test=report.nodeid, message=message, **told))

    def _add(self, report: pytest.TestReport, findings: object) -> None:
        """Keep what can be written; what cannot is an error of this test and of no other."""
        try:
            problems = self.results.add(Findings.from_json(findings))
        except (ValueError, TypeError) as error:  # from a process that sent something else
            problems = (f"what it found cannot be recorded: {str(error).splitlines()[0]}",)
        if problems:
            self.results.fail(Failure(test=report.nodeid, message="; ".join(problems), **getattr(report, "ethos_test", {})))


def put_on(report: pytest.TestReport, findings: Findings) -> Sequence[Measurement]:
    """The records of a test that can be written, now on its report; a test with others has failed."""
    sound, problems = writable(findings)
    report.ethos_findings = sound.to_json()  # type: ignore[attr-defined]  # it travels with the report
    if problems and report.passed:
        report.outcome, report.longrepr = "failed", "\n".join(problems)
        report.ethos_error = "; ".join(problems)  # type: ignore[attr-defined]
    return sound.records


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


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it failed without a word"])[-1]


@contextlib.contextmanager
def ending_the_session() -> Iterator[None]:
    """End the session with an error's message and exit code, where pytest would show a stack trace of its own."""
    try:
        yield
    except EthosBenchError as error:
        pytest.exit(str(error), returncode=error.exit_code)
