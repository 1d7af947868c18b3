"""Whoever shows progress is told what will run, under xdist by what the workers have collected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.pytest_plugin.progress_lines import ProgressLines
from harness.pytest_plugin.session_plan import SessionPlan
from harness.pytest_plugin.session_progress import Step
from harness.pytest_plugin.stages import StageTables

TESTS = (
    "benchmarks/test_offload.py::test_offload[small-u55-sim]",
    "benchmarks/test_claims.py::test_statements[u55-sim]",
    "x.py::y",
)


class Lines(ProgressLines):
    def __init__(self) -> None:
        self.steps: list[Step] = []

    def plan(self, tests: Sequence[str], step_of: Callable[[str], Step], models: Sequence[str]) -> None:
        self.steps = [step_of(test) for test in tests]


class Tables(StageTables):
    def __init__(self) -> None:
        self.tests: Sequence[str] = ()

    def plan(self, tests: Sequence[str]) -> None:
        self.tests = tests


def test_a_test_has_the_stage_of_its_module_and_the_model_of_its_case() -> None:
    lines, tables = Lines(), Tables()
    SessionPlan(["small"], {"small-u55-sim": "small"}, lines, tables).pytest_xdist_node_collection_finished(TESTS)
    assert lines.steps == [Step("identity and offload", "small"), Step("claims and thresholds"), Step("")]
    assert tables.tests == TESTS
