"""What names a figure within a run."""

from __future__ import annotations

from dataclasses import dataclass

from core.records.case_key import CaseKey


@dataclass(frozen=True)
class FigureKey:
    """A metric of a case, with the statistic and the graph where the metric has several; "" where it has none."""

    case: CaseKey
    metric: str
    stat: str = ""
    graph: str = ""

    @property
    def figure(self) -> tuple[str, str, str]:
        """(metric, stat, graph): the same figure of any case."""
        return self.metric, self.stat, self.graph

    def __str__(self) -> str:
        """The figure as thresholds name it: "latency_us[median]"."""
        qualifiers = ", ".join(part for part in (self.stat, self.graph) if part)
        return f"{self.metric}[{qualifiers}]" if qualifiers else self.metric
