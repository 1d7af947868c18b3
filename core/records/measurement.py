"""One figure with its evidence: a record of results.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.unavailable import Unavailable

Value = float | int | bool | str | Unavailable


@dataclass(frozen=True)
class Measurement:
    """A run summarised into one figure.

    `stat` (median, p95, min, mean, ...) and `graph` (float, int8, npu) qualify the metric where it has several; ratios and
    mAP are 0..1, latencies are in microseconds. `replayed_from` is the recording that answered in the place of `target`.
    """

    variant: str
    profile: str
    target: str
    metric: str
    value: Value
    unit: str
    evidence: Evidence
    identity: Identity = field(default_factory=Identity)
    stat: str = ""
    graph: str = ""
    note: str = ""
    replayed_from: str = ""

    def to_json(self) -> dict[str, Any]:
        """The record as interfaces pin it: `value` or `unavailable`, never both."""
        record: dict[str, Any] = {
            "variant": self.variant,
            "profile": self.profile,
            "target": self.target,
            "metric": self.metric,
            "unit": self.unit,
            "evidence": self.evidence.value,
            "identity": self.identity.to_json(),
        }
        optional = {"stat": self.stat, "graph": self.graph, "note": self.note, "replayed_from": self.replayed_from}
        record.update({key: text for key, text in optional.items() if text})
        if isinstance(self.value, Unavailable):
            record["unavailable"] = self.value.reason
        else:
            record["value"] = self.value
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Measurement:
        """The measurement that `to_json` wrote; KeyError or ValueError when a field is missing or unknown."""
        value: Value = Unavailable(record["unavailable"]) if "unavailable" in record else record["value"]
        return cls(
            variant=record["variant"],
            profile=record["profile"],
            target=record["target"],
            metric=record["metric"],
            value=value,
            unit=record["unit"],
            evidence=Evidence(record["evidence"]),
            identity=Identity(**record["identity"]),
            stat=record.get("stat", ""),
            graph=record.get("graph", ""),
            note=record.get("note", ""),
            replayed_from=record.get("replayed_from", ""),
        )


def key_of(record: Mapping[str, Any]) -> tuple[str, str, str, str, str, str]:
    """What names a figure within a run: variant, profile, target, metric, stat and graph of a record as JSON."""
    return (
        record["variant"],
        record["profile"],
        record["target"],
        record["metric"],
        record.get("stat", ""),
        record.get("graph", ""),
    )
