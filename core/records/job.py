"""What a target is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from core.records.artefact import Artefact

Tensors = tuple[NDArray[Any], ...]
"""The input tensors of one inference, in the order of the model's inputs, each in its own shape and dtype."""


@dataclass(frozen=True)
class Job:
    """Run every input once for its outputs, then the first input `repeats` times for its latency.

    `inputs`: what each inference takes, the tensor itself for a model with one input. `repeats` belongs to the job because a
    board uploads once and loops there; 0 asks for outputs only. `warmup` inferences are not counted.
    """

    artefact: Artefact
    inputs: tuple[NDArray[Any] | Tensors, ...]
    repeats: int
    warmup: int = 3

    @property
    def feeds(self) -> tuple[Tensors, ...]:
        """The input tensors of each inference, also where the model has only one."""
        return tuple(one if isinstance(one, tuple) else (one,) for one in self.inputs)
