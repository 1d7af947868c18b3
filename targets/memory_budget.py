"""What a profile's budget says of a compiled file, for targets that know no platform of their own."""

from __future__ import annotations

from core.records.artefact import Compilation
from core.records.memory_shortfall import MemoryShortfall


def budget_shortfalls(compilation: Compilation) -> tuple[MemoryShortfall, ...]:
    """Each memory of the profile that is too small; empty when the file fits."""
    budget = compilation.profile.budget
    return tuple(
        MemoryShortfall("the platform", need, budget[area].bytes, area)
        for area, need in compilation.estimate.memory_bytes.items()
        if area in budget and need > budget[area].bytes
    )
