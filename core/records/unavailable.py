"""A value that could not be had."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """Why there is no figure. Stands where the figure would: never 0, never None, never left out."""

    reason: str

    def __str__(self) -> str:
        return f"unavailable: {self.reason}"
