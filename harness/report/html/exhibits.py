"""Figures of a page with their evidence and provenance: each shown figure can say where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.report.tables import Record, value_text

BADGES: Mapping[str, tuple[str, str]] = {
    "compiled": ("file", "read from the compiled file"),
    "estimated": ("est", "a cycle model's opinion, not a measurement"),
    "host": ("host", "run on this machine's CPU, not on an NPU"),
    "simulated-open": ("sim", "run in the open simulator"),
    "simulated-fvp": ("FVP", "run on Arm's Fixed Virtual Platform"),
    "measured": ("NPU", "run on a real NPU"),
    "documented": ("doc", "claimed by a document"),
}
"""Evidence -> the badge beside a figure, and what it means."""
NO_VALUE = "\N{EN DASH}"


@dataclass(frozen=True)
class Figure:
    """A figure as it is shown: `text` and `unit`, its `evidence`, and the `key` of its provenance (-1: it has no record)."""

    text: str
    unit: str
    evidence: str
    key: int
    why: str = ""

    @property
    def badge(self) -> str:
        """The short word for its evidence."""
        return BADGES[self.evidence][0] if self.evidence in BADGES else ""


NOTHING = Figure(NO_VALUE, "", "", -1, "not part of this run")


@dataclass
class Exhibits:
    """The records that a page shows, each once, and the identities they share."""

    rows: list[list[Any]] = field(default_factory=list)
    identities: list[Mapping[str, Any]] = field(default_factory=list)
    _keys: dict[str, int] = field(default_factory=dict)
    _identity_keys: dict[str, int] = field(default_factory=dict)

    def figure(self, record: Record | None, form: str, unit: str = "", scale: float = 1.0) -> Figure:
        """A record as a figure; one without a value is a dash that says why."""
        if record is None:
            return NOTHING
        key = self._key(record)
        if "unavailable" in record:
            return Figure(NO_VALUE, "", record["evidence"], key, record["unavailable"])
        return Figure(value_text(record, form, scale), unit, record["evidence"], key)

    def _key(self, record: Record) -> int:
        text = json.dumps(record, sort_keys=True)
        if text not in self._keys:
            self._keys[text] = len(self.rows)
            self.rows.append(self._row(record))
        return self._keys[text]

    def _row(self, record: Record) -> list[Any]:
        """What the page's script shows: name, where, value, unit, evidence, note, identity."""
        name = " ".join(record[part] for part in ("metric", "stat", "graph") if record.get(part))
        where = f"{record['variant']} on {record['profile']}, target {record['target']}"
        value = record.get("value", f"unavailable: {record.get('unavailable')}")
        identity = json.dumps(record["identity"], sort_keys=True)
        if identity not in self._identity_keys:
            self._identity_keys[identity] = len(self.identities)
            self.identities.append(record["identity"])
        return [name, where, value, record["unit"], record["evidence"], record.get("note", ""), self._identity_keys[identity]]
