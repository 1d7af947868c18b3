"""Every task by name."""

from __future__ import annotations

from harness.tasks.detect.task import Detect
from harness.tasks.task import AnyTask

TASKS: dict[str, AnyTask] = {task.name: task for task in (Detect(),)}
