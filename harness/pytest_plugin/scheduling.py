"""Which process runs which test under `pytest -n`."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist has no types

from harness.workbench.workbench import Workbench


class ByModel(LoadScopeScheduling):  # type: ignore[misc]  # xdist's base class is Any to mypy
    """Tests of one model, and of models that are equal to it, stay in one process: they share its work and its samples."""

    def __init__(self, config: pytest.Config, log: Any, bench: Workbench) -> None:
        super().__init__(config, log)
        self._bench = bench

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test: its model's; a statement about all models is a group of its own."""
        case = nodeid.partition("[")[2]
        named = [name for name in self._bench.models if case.startswith(f"{name}-")]
        return self._bench.group(max(named, key=len)) if named else nodeid
