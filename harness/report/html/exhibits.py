"""Figures of a page with their evidence and provenance: each shown figure can say where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.metrics import metric_of
from core.records.measurement import Measurement

BADGES: Mapping[str, tuple[str, str]] = {
    "compiled": ("file", "read from the compiled file"),
    "estimated": ("est", "a cycle model's opinion, not a measurement"),
    "host": ("host", "run on this machine's CPU, not on an NPU"),
    "simulated-open": ("sim", "run in the open simulator"),
    "simulated-fvp": ("FVP", "run on Arm's Fixed Virtual Platform"),
    "measured": ("NPU", "run on a real NPU"),
    "rules": ("rules", "by published rules of the hardware; nothing ran"),
    "documented": ("doc", "claimed by a document"),
}
"""Evidence -> the badge beside a figure, and what it means."""
NO_VALUE = "\N{EN DASH}"


@dataclass(frozen=True)
class FigureCell:
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


NOTHING = FigureCell(text=NO_VALUE, unit="", evidence="", key=-1, why="not part of this run")


@dataclass
class Exhibits:
    """The figures that a page shows, each once, and the identities they share."""

    rows: list[list[Any]] = field(default_factory=list)
    identities: list[object] = field(default_factory=list)
    _keys: dict[str, int] = field(default_factory=dict)
    _identity_keys: dict[str, int] = field(default_factory=dict)

    def figure(self, figure: Measurement | None, *, bare: bool = False) -> FigureCell:
        """A figure as its metric is displayed, `bare` without its unit; one without a value is a dash that says why."""
        if figure is None:
            return NOTHING
        key, row = self._key(figure), metric_of(figure.metric)
        if figure.unavailable:
            return FigureCell(text=NO_VALUE, unit="", evidence=str(figure.evidence), key=key, why=figure.unavailable.reason)
        return FigureCell(row.text(figure), "" if bare else row.display.unit, str(figure.evidence), key)

    def _key(self, figure: Measurement) -> int:
        text = json.dumps(figure.to_json(), sort_keys=True)
        if text not in self._keys:
            self._keys[text] = len(self.rows)
            self.rows.append(self._row(figure))
        return self._keys[text]

    def _row(self, figure: Measurement) -> list[Any]:
        """What the page's script shows: name, where, value, unit, evidence, note, identity."""
        name = " ".join(part for part in figure.key.figure if part)
        where = f"{figure.case.model} on {figure.profile}, target {figure.target}"
        if figure.replayed_from:
            where += f", replayed from {figure.replayed_from}"
        value = str(figure.value) if figure.unavailable else figure.value
        identity = json.dumps(figure.identity.to_json(), sort_keys=True)
        if identity not in self._identity_keys:
            self._identity_keys[identity] = len(self.identities)
            self.identities.append(figure.identity.to_json())
        return [name, where, value, figure.unit, str(figure.evidence), figure.note, self._identity_keys[identity]]
