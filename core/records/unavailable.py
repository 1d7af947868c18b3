"""A value that could not be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["", "shortfall"]
"""`shortfall`: the model was not run because it does not fit the platform, which `fits` says. Empty: any other reason."""


@dataclass(frozen=True)
class Unavailable:
    """Why there is no figure. Stands where the figure would: never 0, never None, never left out.

    `kind` is for who has to tell reasons apart, `file` names the file that the reason is about, where it is about one.
    """

    reason: str
    kind: Kind = ""
    file: str = ""

    def __str__(self) -> str:
        return f"unavailable: {self.reason}"
