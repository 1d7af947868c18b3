"""The suite runs stage by stage, all models in each, and shows what it has found after each: the first figures come first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from core.metrics import Step
from harness.report.terminal import print_stage
from harness.results.store import Results


@dataclass(frozen=True)
class Stage:
    """What its tests ask, the modules of the suite that it is made of, and the steps whose figures its table has."""

    title: str
    modules: tuple[str, ...]
    steps: tuple[Step, ...] = ()


STAGES = (
    Stage("identity and offload", ("test_identity", "test_offload", "test_rules"), ("identity", "offload", "rules")),
    Stage("memory", ("test_memory",), ("memory",)),
    Stage("execution", ("test_execution", "test_latency"), ("execution", "proof", "equality")),
    Stage("accuracy", ("test_accuracy",)),
    Stage("claims and thresholds", ("test_claims", "test_acceptance")),
)
"""The last two have no table of their own: the closing one follows."""


def stage_of(module: str) -> int:
    """The number of the stage that a module of the suite belongs to; behind all of them for any other."""
    return next((number for number, stage in enumerate(STAGES) if module in stage.modules), len(STAGES))


def rank(module: str, variant: int) -> tuple[int, int, int]:
    """Where a test comes: its stage, then its model, then its place within the stage."""
    number = stage_of(module)
    return number, variant, STAGES[number].modules.index(module) if number < len(STAGES) else 0


def module_of(test: str) -> str:
    """The module of the suite that a test's id names."""
    return test.partition("::")[0].rpartition("/")[2].removesuffix(".py")


class StageTables:
    """Writes a table when the last test of a stage is done; under xdist stages overlap, and that is later."""

    def __init__(self, results: Results, config: pytest.Config) -> None:
        self._results, self._config = results, config
        self._left: Counter[int] = Counter()

    def plan(self, tests: Sequence[str]) -> None:
        """Count the tests of every stage."""
        self._left = Counter(stage_of(module_of(test)) for test in tests)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After the last test of a stage: its table."""
        number = stage_of(module_of(report.nodeid))
        if report.when != "teardown" or not self._left[number]:
            return
        self._left[number] -= 1
        if self._left[number] or number >= len(STAGES) or not STAGES[number].steps or self._config.option.verbose < 0:
            return
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._results:
            reporter.ensure_newline()
            if reporter._tw.width_of_current_line:  # a dot behind a progress line, of which pytest knows nothing
                reporter._tw.line()
            print_stage(self._results.run(), reporter, self._title(number), STAGES[number].steps)

    def _title(self, number: int) -> str:
        later: Sequence[str] = [stage.title for place, stage in enumerate(STAGES) if place > number and self._left[place]]
        return f"{STAGES[number].title}{f'; next: {later[0]}' if later else ''}"
