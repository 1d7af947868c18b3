"""Every task speaks in rows of the one table of metrics.

Covers harness.tasks.kinds harness.tasks.task.
"""

from __future__ import annotations

import pytest

from core.metrics import BY_NAME
from harness.tasks.kinds import TASKS


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_found_by_its_name_and_its_metrics_are_rows_that_an_accuracy_yields(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert [metric for metric in task.metrics if BY_NAME[metric].step != "accuracy"] == []


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.drop_metric])
def test_what_int8_costs_has_both_ends_of_its_interval(name: str) -> None:
    row = BY_NAME[TASKS[name].drop_metric]
    assert {"", "low", "high"} <= set(row.stats)
    assert row.better == "lower"
