"""What stands behind a figure."""

from __future__ import annotations

from enum import Enum


class Evidence(str, Enum):
    """The kind of proof a figure has; two figures of different evidence never share a column without saying so."""

    COMPILED = "compiled"
    """Read from the compiled file."""
    ESTIMATED = "estimated"
    """A cycle model's opinion."""
    HOST = "host"
    """Run on this machine's CPU."""
    SIMULATED_OPEN = "simulated-open"
    """Run in our open simulator."""
    SIMULATED_FVP = "simulated-fvp"
    """Run on Arm's FVP."""
    MEASURED = "measured"
    """Run on a real NPU."""
    RULES = "rules"
    """Judged by a published rule set of the hardware; nothing ran and nothing was compiled."""
    DOCUMENTED = "documented"
    """Claimed by a document."""

    def __str__(self) -> str:
        return self.value
