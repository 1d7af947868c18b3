"""Lanes: parts of the tests that need something of the machine. `ETHOS_BENCH_REQUIRE_LANES=a,b` makes a missing one fail."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing_lane(lane: str, reason: str) -> NoReturn:
    """Skip, unless this lane was asked for: then it is a failure."""
    if lane in os.environ.get("ETHOS_BENCH_REQUIRE_LANES", "").split(","):
        pytest.fail(f"lane `{lane}` is required: {reason}")
    pytest.skip(reason)
