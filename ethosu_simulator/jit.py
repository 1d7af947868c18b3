"""One door to numba: typed, cached on disk, without fast-math (integers only, so results never depend on it)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
PORTABLE = bool(os.environ.get("ETHOSU_SIMULATOR_PORTABLE"))  # compile for any processor, as ethosu_simulator.fast.vectors says


@cache
def _stamp() -> tuple[Any, ...]:
    """What compiled code depends on: every file of the package, for callers hold their callees' code, and the form."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return PORTABLE, *((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)


def compiled(function: F) -> F:
    """The same function, compiled at its first call for the types it is called with."""
    dispatcher = numba.njit(cache=True, nogil=True)(function)
    index = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if index is not None and hasattr(index, "_source_stamp"):  # numba looks at the function's own file only
        index._source_stamp = _stamp()
    return cast("F", dispatcher)


def inlined(function: F) -> F:
    """The same function, compiled into its callers."""
    return cast("F", numba.njit(nogil=True, inline="always")(function))
