"""One door to numba: typed, cached on disk, without fast-math (integers only, so results never depend on it)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F) -> F:
    """The same function, compiled at its first call for the types it is called with."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def inlined(function: F) -> F:
    """The same function, compiled into its callers."""
    return cast("F", numba.njit(cache=True, nogil=True, inline="always")(function))
