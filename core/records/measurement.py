"""One figure with its evidence: a record of results.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, model_validator

from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.field_types import FILE_RECORD, Graph, MetricName, Name, Unit
from core.records.figure_key import FigureKey
from core.records.identity import Identity
from core.records.unavailable import Unavailable

Value = int | float | bool | str | Unavailable
OPTIONAL = ("build", "stat", "graph", "note", "replayed_from")
"""Fields that a record leaves out when they are empty."""
ABSENCE = {"unavailable": "reason", "unavailable_kind": "kind", "unavailable_file": "file"}
"""What stands in a record in the place of `value` -> the field of Unavailable."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A run summarised into one figure.

    `stat` (median, p95, min, mean, ...) and `graph` (float, int8, npu) qualify the metric where it has several; ratios and
    mAP are 0..1, latencies are in microseconds. `replayed_from` is the recording that answered in the place of `target`.
    """

    __pydantic_config__ = FILE_RECORD

    variant: Name
    profile: Name
    target: Name
    metric: MetricName
    value: Value
    unit: Unit
    evidence: Evidence
    identity: Identity
    build: Name = ""
    stat: Name = ""
    graph: Graph = ""
    note: Name = ""
    replayed_from: Name = ""

    @property
    def case(self) -> CaseKey:
        """The case that the figure is of."""
        return CaseKey(self.variant, self.build, self.profile, self.target)

    @property
    def key(self) -> FigureKey:
        """What names the figure within its run."""
        return FigureKey(self.case, self.metric, self.stat, self.graph)

    @property
    def unavailable(self) -> Unavailable | None:
        """Why there is no value, None when there is one."""
        return self.value if isinstance(self.value, Unavailable) else None

    @property
    def number(self) -> int | float | None:
        """The value where it is a number, None where it is a truth value, a name, or could not be had."""
        return self.value if isinstance(self.value, int | float) and not isinstance(self.value, bool) else None

    def to_json(self) -> dict[str, Any]:
        """The record as results.json holds it: `value` or `unavailable`, never both."""
        record: dict[str, Any] = {
            "variant": self.variant,
            "profile": self.profile,
            "target": self.target,
            "metric": self.metric,
            "unit": self.unit,
            "evidence": self.evidence.value,
            "identity": self.identity.to_json(),
        }
        record.update({key: text for key in OPTIONAL if (text := getattr(self, key))})
        if isinstance(self.value, Unavailable):
            record.update({key: text for key, part in ABSENCE.items() if (text := getattr(self.value, part))})
        else:
            record["value"] = self.value
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Measurement:
        """The measurement that `to_json` wrote; ValueError when a field is missing, unknown or of another kind."""
        return MEASUREMENT.validate_json(json.dumps(record, allow_nan=False), strict=True)

    @model_validator(mode="before")
    @classmethod
    def _absence(cls, record: Any) -> Any:
        """A record of a file, with what stands in the place of its value as one field."""
        if not isinstance(record, dict) or "unavailable" not in record:
            return record
        if "value" in record:
            raise ValueError("`value` and `unavailable` exclude each other")
        kept = {key: content for key, content in record.items() if key not in ABSENCE}
        return kept | {"value": {part: record[key] for key, part in ABSENCE.items() if key in record}}


MEASUREMENT = TypeAdapter(Measurement)
