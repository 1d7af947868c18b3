"""Computes each thing once, failures included."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from core.errors import EthosBenchError

T = TypeVar("T")


class Memo:
    """Results by key; a computation that failed raises the same error again instead of failing for minutes anew."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}
        self._errors: dict[Hashable, EthosBenchError] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returned the first time."""
        if key in self._errors:
            raise self._errors[key]
        if key not in self._values:
            try:
                self._values[key] = make()
            except EthosBenchError as error:
                self._errors[key] = error
                raise
        return self._values[key]  # type: ignore[no-any-return]
