"""Which process runs which test under `pytest -n`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist has no types


def bracketed(test: str) -> str:
    """What stands in brackets at the end of a test's id, "" without any."""
    return test.partition("[")[2].removesuffix("]")


class ByModel(LoadScopeScheduling):  # type: ignore[misc]  # xdist's base class is Any to mypy
    """Tests of one model, and of models that are equal to it, stay in one process: they share its work and its samples.

    `models` says which model the parameter of a test is about; a statement about all models is a group of its own.
    """

    def __init__(self, config: pytest.Config, log: Any, group: Callable[[str], str], models: Mapping[str, str]) -> None:
        super().__init__(config, log)
        self._group = group
        self._models = models

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test: its model's."""
        model = self._models.get(bracketed(nodeid))
        return self._group(model) if model else nodeid
