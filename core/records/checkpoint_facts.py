"""What a checkpoint is, read from its loaded graph and not from its name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class CheckpointFacts:
    """The graph's own answers.

    `weights` is the SHA-256 over the fused graph: layer kinds, shapes, activations and every weight, so two checkpoints
    with equal `weights` compute the same function. `activation` is "relu", "leaky", "silu", another class's name in lower
    case, or several joined by "+". `image_size` is the training size in pixels, `parameters` counts the unfused model's.
    `trained` is False for seeded weights. `file` is the SHA-256 of the checkpoint file, "" for seeded weights.
    `channels` are the colours of its images: 3 are RGB, 1 is grey. `task` is what its head is for; `end_to_end` heads leave one
    box for each object. A classifier has no strides but 1, and no bins.
    """

    weights: str
    file: str
    activation: str
    classes: tuple[str, ...]
    parameters: int
    image_size: int
    strides: tuple[int, ...]
    regression_bins: int
    trained: bool
    channels: int = 3
    task: Literal["detect", "classify"] = "detect"
    end_to_end: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values for the cache."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> CheckpointFacts:
        """The facts that `to_json` wrote."""
        return cls(**{**facts, "classes": tuple(facts["classes"]), "strides": tuple(facts["strides"])})
