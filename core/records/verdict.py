"""A claim held against what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.records.claim import Comparability
from core.records.evidence import Evidence

Outcome = Literal["confirmed", "exceeded", "fell short", "refuted", "not comparable", "no figure"]


@dataclass(frozen=True)
class Verdict:
    """The outcome with both numbers; `difference` is found minus documented, in the unit of the claim.

    `no figure` stands for a claim whose figure this run did not produce; `note` says why.
    """

    claim: str
    variant: str
    profile: str
    target: str
    text: str
    outcome: Outcome
    comparability: Comparability
    why: str
    documented: float | str
    found: float | str
    difference: float | None
    unit: str
    evidence: Evidence
    document: str
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """A mapping for results.json and reports."""
        return {key: getattr(value, "value", value) for key, value in vars(self).items()}
