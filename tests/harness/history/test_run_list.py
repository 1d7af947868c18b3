"""The list of runs counts what each holds, and names its models and targets in their order."""

from __future__ import annotations

from harness.history.run_list import RunSummary
from harness.history.store import History
from tests.harness.builders import measurement
from tests.harness.history.runs import run


def test_a_run_is_listed_with_its_models_and_targets_and_what_failed(history: History) -> None:
    figures = [measurement(variant=variant, target=target) for variant in ("b", "a") for target in ("sim", "host")]
    history.add(run(1, figures))
    history.add(run(2, []))
    first, second = history.runs()
    assert first == RunSummary(
        "20260101-run", "2026-01-01T00:00:00+00:00", "c" * 40, False, ("b", "a"), ("sim", "host"), 4, 1, "/somewhere"
    )
    assert (second.models, second.targets, second.records, second.failures) == ((), (), 0, 1)
