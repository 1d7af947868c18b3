"""What changed between two figures of the same metric: the causes, and the files that differ because of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.metrics import metric_of
from core.records.measurement import Measurement

FILES = ("tflite", "compiled")
"""Consequences: files that are made from the weights by the tools with the options."""
TOOLS = ("target.simulator",)
"""Parts of a target that are software of one meaning in all versions: a change of theirs is named, and figures are compared."""
NONE = "none"
HASHES = (32, 40, 64)
"""Letters of hashes, which are shown short."""


@dataclass(frozen=True, order=True)
class Change:
    """One part of an identity, before and after: `weights`, `options.recipe`, `tools.vela`, `target.cpu`, `evidence`, ..."""

    part: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.part}: {_short(self.part, self.before)} -> {_short(self.part, self.after)}"

    @property
    def is_file(self) -> bool:
        """Whether this is a consequence."""
        return self.part in FILES


def changes(first: Measurement, second: Measurement) -> tuple[Change, ...]:
    """Everything that differs between the identities and the evidence of two figures."""
    before, after = (
        {**figure.identity.parts(), "evidence": str(figure.evidence), "unit": figure.unit, **_origin(figure)}
        for figure in (first, second)
    )
    return tuple(
        Change(part, before.get(part, NONE), after.get(part, NONE))
        for part in dict.fromkeys([*before, *after])
        if before.get(part, NONE) != after.get(part, NONE)
    )


def causes(found: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that no other one explains; files stand for themselves where nothing else changed."""
    found = tuple(found)
    return tuple(change for change in found if not change.is_file) or found


def forbids(metric: str, found: Iterable[Change]) -> str:
    """Why two figures cannot be compared at all, "" when they can (and the changes are named beside the figures)."""
    for change in found:
        if change.part in ("evidence", "unit"):
            return f"{change.part} differs: {change.before} against {change.after}"
        if change.part == "profile":
            return f"another NPU configuration under one name: {change.before} against {change.after}"
        if change.part.startswith("target.") and change.part not in TOOLS:
            return f"not the same target: {change}"
        if change.part in ("options.data", "options.images") and metric_of(metric).over_images:
            return f"not the same images: {change}"
    return ""


def grouped(found: Sequence[tuple[str, Change]]) -> dict[Change, list[str]]:
    """Change -> the models it applies to, in their order."""
    groups: dict[Change, list[str]] = {}
    for variant, change in found:
        models = groups.setdefault(change, [])
        if variant not in models:
            models.append(variant)
    return groups


def _origin(figure: Measurement) -> dict[str, str]:
    """The recording that answered in the place of the target, where one did."""
    return {"replayed_from": figure.replayed_from} if figure.replayed_from else {}


def _short(part: str, value: str) -> str:
    hashed = len(value) in HASHES and all(letter in "0123456789abcdef" for letter in value)
    return value[:12] if hashed else value
