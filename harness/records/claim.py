"""A documented figure or statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Comparability = Literal["same", "proxy", "none"]


@dataclass(frozen=True)
class Claim:
    """What a document says of one variant, with enough to judge whether ours is the same quantity.

    `metric` is ours to hold it against (with `stat`/`graph`), `value` the documented figure in our unit (ratios 0..1), `counts` what the document says
    it counts. `comparability` and its reason say whether ours measures the same thing.
    """

    id: str
    variant: str
    metric: str
    value: float
    unit: str
    document: str
    hardware: str
    date: str
    counts: str
    comparability: Comparability
    why: str
    graph: str = ""


@dataclass(frozen=True)
class Statement:
    """A sentence of a document that compares variants; `rule` names the check that decides it (see harness/verdicts.py)."""

    id: str
    text: str
    rule: str
    document: str
    date: str
    comparability: Comparability
    why: str
