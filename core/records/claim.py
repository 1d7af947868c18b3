"""A documented figure or statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Comparability = Literal["same", "proxy", "none"]


@dataclass(frozen=True)
class Document:
    """Where claims come from; `hardware` is what the document names, "" when none."""

    name: str
    date: str
    hardware: str
    url: str


@dataclass(frozen=True)
class Claim:
    """What a document says of one variant, with enough to judge whether ours is the same quantity.

    `metric` (and `graph`) name the figure of ours it is held against, `value` the documented figure in that metric's unit
    (ratios 0..1); `counts` is what the document says it counts. A figure within `tolerance` of the documented one confirms
    it. `comparability` and `why` say whether ours measures the same thing; `conditions` are the options of our figure's
    identity under which it does (a set of images, say): under others it is another quantity. `rules` is the rules profile that
    judges it, "" for what runs; `provenance` is what is known of where the documented figure comes from.
    """

    id: str
    variant: str
    metric: str
    value: float
    unit: str
    tolerance: float
    counts: str
    comparability: Comparability
    why: str
    document: Document
    graph: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""
    provenance: str = ""


@dataclass(frozen=True)
class Statement:
    """A sentence of a document about several variants; `rule` names the check in harness/claims/verdicts.py that decides it.

    `rules` and `provenance` are those of a claim.
    """

    id: str
    text: str
    rule: str
    comparability: Comparability
    why: str
    document: Document
    rules: str = ""
    provenance: str = ""
