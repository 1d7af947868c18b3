"""Types of fields that files hold: what a reader accepts, and what the JSON Schema says of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

Name = Annotated[str, Field(min_length=1)]
"""A text that says something; an optional one is left out instead of being empty."""
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Instant = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]
"""ISO 8601, UTC."""
MetricName = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]*$")]
Graph = Annotated[str, StringConstraints(pattern="^(float|int8|npu)$")]
Unit = Literal["ratio", "us", "bytes", "count", "bool", "name", "cycles", "beats", "px"]
Number = int | float

FILE_RECORD = ConfigDict(extra="forbid", allow_inf_nan=False)
"""A key that nobody knows is of a newer version or a mistake, and never passed over."""
