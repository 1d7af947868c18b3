"""`--acceptance FILE` in pytest: a test per threshold, and a line per threshold at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import EthosBenchError, ThresholdNotMet
from core.metrics import BY_NAME, Step
from core.records.measurement import Measurement
from harness.acceptance.thresholds import Answer, Threshold, answer, read_acceptance
from harness.results.store import Results
from harness.workbench.case import Case
from harness.workbench.workbench import Workbench

PROPERTY = "acceptance"


def read_thresholds(file: Path | None, bench: Workbench) -> list[Threshold]:
    """The thresholds of --acceptance for the models, NPUs and targets of the session; none without the option."""
    if file is None:
        return []
    builds = {profile: bench.session.builds(profile) for profile in bench.profiles}
    return read_acceptance(file, list(bench.models), list(bench.profiles), bench.options.targets, builds)


@dataclass(frozen=True)
class Requirement:
    """One threshold and the case that has to meet it."""

    threshold: Threshold
    case: Case

    @property
    def of_records(self) -> Threshold:
        """The threshold as records name its case: a replay's figures have the board that was recorded.

        Of a target that is not there nobody knows more than the name that was given.
        """
        try:
            return replace(self.threshold, target=self.case.recorded.target)
        except EthosBenchError:
            return self.threshold

    def require(self) -> Answer:
        """The answer with both numbers; ThresholdNotMet when the figure is not good enough or not there."""
        try:
            found = answer(self.of_records, self._figures())
        except EthosBenchError as error:
            found = Answer(False, f"no figure: {error.found}")
        if not found.met:
            raise ThresholdNotMet(found.found, self.threshold.text)
        return found

    def _figures(self) -> list[Measurement]:
        """The figures among which the threshold's is; all of a session's are computed once."""
        step, case = BY_NAME[self.threshold.metric].step, self.case
        if step == "execution":
            case.execution()  # it gives the run, and keeps its figures
            return case.findings.records
        yields: dict[Step, Callable[[], list[Measurement]]] = {
            "identity": case.identity, "offload": case.offload, "memory": case.memory, "proof": case.proof,
            "equality": case.equality, "accuracy": case.accuracy,
        }  # fmt: skip
        return yields[step]()


class AcceptanceLines:
    """Keeps what came of every threshold: a section of the terminal, and acceptance.json in the results."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._found: dict[str, tuple[Threshold, Answer]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a threshold's test says off its report."""
        for name, value in report.user_properties:
            if name == PROPERTY and (report.when == "call" or report.failed):
                threshold = Threshold(**json.loads(str(value)))
                met = report.passed
                text = "" if met else str(getattr(report, "ethos_error", "") or report.longreprtext.strip().splitlines()[-1])
                found = dict(report.user_properties).get("found", "")
                self._found[threshold.id] = (threshold, Answer(met, str(found) if met else text))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Write acceptance.json."""
        if self._found:
            lines = [{**asdict(threshold), **asdict(found)} for threshold, found in self._found.values()]
            self._results.files.write("acceptance.json", json.dumps({"thresholds": lines}, indent=1))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """A line per threshold: whether it is met, where, and both numbers."""
        if not self._found:
            return
        terminalreporter.section("acceptance")
        for threshold, found in self._found.values():
            markup = {"green": True} if found.met else {"red": True}
            terminalreporter.write("met      " if found.met else "NOT MET  ", **markup)
            terminalreporter.write_line(f"{threshold.id}: {found.found}")
        met = sum(found.met for _, found in self._found.values())
        terminalreporter.write_line(f"{met} of {len(self._found)} thresholds are met")
