"""What the session will run, told to those who show how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.acceptance.thresholds import Threshold
from harness.pytest_plugin.progress_lines import ProgressLines
from harness.pytest_plugin.scheduling import bracketed
from harness.pytest_plugin.session_progress import Step
from harness.pytest_plugin.stages import STAGES, StageTables, module_of, stage_of
from harness.workbench.workbench import Workbench


def models_of_tests(bench: Workbench, thresholds: list[Threshold]) -> dict[str, str]:
    """The model that a test is about, by what stands in brackets in its id."""
    cases = {str(case): case.variant for case in (*bench.cases(), *bench.rulings.cases())}
    return cases | {one.id: one.variant for one in thresholds}


class SessionPlan:
    """Registered in the process that shows progress; under xdist that one collects nothing, and its workers tell it."""

    def __init__(self, models: Sequence[str], model_of: Mapping[str, str], lines: ProgressLines, tables: StageTables) -> None:
        self._models = models
        self._model_of = model_of
        self._lines = lines
        self._tables = tables

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests of this process."""
        if session.items:
            self._tell([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The tests of a worker: each has collected the same."""
        self._tell(ids)

    def _tell(self, tests: Sequence[str]) -> None:
        self._lines.plan(tests, self._step_of, self._models)
        self._tables.plan(tests)

    def _step_of(self, test: str) -> Step:
        number = stage_of(module_of(test))
        return Step(STAGES[number].title if number < len(STAGES) else "", self._model_of.get(bracketed(test), ""))


def plan_session(config: Any, bench: Workbench, thresholds: list[Threshold], lines: ProgressLines, tables: StageTables) -> None:
    """Register the tables, and the plan that tells them and the lines what to expect."""
    config.pluginmanager.register(tables, "ethos-bench-stages")
    plan = SessionPlan(list(bench.models), models_of_tests(bench, thresholds), lines, tables)
    config.pluginmanager.register(plan, "ethos-bench-plan")
