"""A claim held against what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.records.case_key import CaseKey
from core.records.claim import Comparability
from core.records.evidence import Evidence
from core.records.field_types import FILE_RECORD, Graph, MetricName, Name, Number
from core.records.figure_key import FigureKey

Outcome = Literal["confirmed", "exceeded", "fell short", "refuted", "not comparable", "no figure"]
OPTIONAL = ("build", "metric", "graph", "provenance")
"""Fields that a verdict leaves out when they are empty."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome with both numbers; `difference` is found minus documented, in the unit of the claim.

    `metric` and `graph` name the figure that was judged, empty for a statement about several models. `no figure` stands for
    a claim whose figure this run did not produce; `note` says why. `provenance` is where the documented figure comes from, as
    far as that is known: an agreement proves nothing that its origin does not.
    """

    __pydantic_config__ = FILE_RECORD

    claim: Name
    variant: Name
    profile: Name
    target: Name
    text: Name
    outcome: Outcome
    comparability: Comparability
    why: Name
    documented: Number | str
    found: Number | str
    difference: Number | None
    unit: str
    evidence: Evidence
    document: Name
    note: str = ""
    build: Name = ""
    metric: MetricName = ""
    graph: Graph = ""
    provenance: Name = ""

    @property
    def caveat(self) -> str:
        """Why an agreement is no proof, "" for a verdict that is no agreement, or about the same quantity."""
        if self.outcome != "confirmed" or self.comparability != "proxy" or not self.provenance:
            return ""
        return f"near by coincidence, no proof: {self.provenance}"

    @property
    def name(self) -> str:
        """The claim, with the build that was judged behind it: "summary-level3_relu~frontend=executorch+layout=nhwc"."""
        return f"{self.claim}~{self.build}" if self.build else self.claim

    @property
    def case(self) -> CaseKey:
        """The case that was judged; its variant is "all" for statements."""
        return CaseKey(self.variant, self.build, self.profile, self.target)

    @property
    def figure(self) -> FigureKey | None:
        """The figure that was judged, None for a statement."""
        return FigureKey(self.case, self.metric, "", self.graph) if self.metric else None

    def to_json(self) -> dict[str, Any]:
        """A mapping for results.json and reports."""
        fields = {key: getattr(value, "value", value) for key, value in vars(self).items()}
        return {key: value for key, value in fields.items() if value or key not in OPTIONAL}
