"""The latency samples of one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.records.case_key import CaseKey


@dataclass(frozen=True, kw_only=True)
class SampleGroup:
    """Samples in the order they were taken, microseconds; `executed` is the SHA-256 of the file that ran."""

    variant: str
    profile: str
    target: str
    executed: str
    latency_us: tuple[float, ...]
    build: str = ""

    @property
    def case(self) -> CaseKey:
        """The case that the samples were taken for; others whose target ran the same file share them."""
        return CaseKey(self.variant, self.build, self.profile, self.target)

    def head(self) -> dict[str, str]:
        """What every line of samples.jsonl says of its sample."""
        build = {"build": self.build} if self.build else {}
        return {"variant": self.variant, **build, "profile": self.profile, "target": self.target, "executed": self.executed}

    def to_json(self) -> dict[str, Any]:
        """A mapping for the spool, the history and the way between processes."""
        return {**self.head(), "latency_us": list(self.latency_us)}
