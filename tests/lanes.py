"""Lanes of tests that need more than Python: skipped with the reason where that is missing, unless the lane is required."""

from __future__ import annotations

import os
from collections.abc import Callable

VARIABLE = "ETHOS_BENCH_REQUIRE_LANES"


def skip_reason(lane: str, missing: Callable[[], str]) -> str:
    """Why a lane cannot run here, "" when it can; AssertionError when it has to (`ETHOS_BENCH_REQUIRE_LANES=boards,...`)."""
    why = missing()
    if why and lane in os.environ.get(VARIABLE, "").split(","):
        raise AssertionError(f"the lane `{lane}` is required here ({VARIABLE}) and cannot run: {why}")
    return why
