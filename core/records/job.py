"""What a target is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.records.artefact import Artefact


@dataclass(frozen=True)
class Job:
    """Run every input once for its output, then the first input `repeats` times for its latency.

    `inputs`: one int8 tensor per image in the shape of the model's input. `repeats` belongs to the job because a board
    uploads once and loops there; 0 asks for outputs only. `warmup` inferences are not counted.
    """

    artefact: Artefact
    inputs: tuple[NDArray[np.int8], ...]
    repeats: int
    warmup: int = 3
