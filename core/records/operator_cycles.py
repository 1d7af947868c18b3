"""What our cycle model says of each operator of a compiled model: a file of the results folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from core.records.field_types import FILE_RECORD


@dataclass(frozen=True, kw_only=True)
class OperatorCycles:
    """One operator of the source graph: NPU cycles from the end of what was before, by what bounds it, and beats moved.

    `causes` maps what bounds (compute, output, read_bandwidth, write_bandwidth, read_latency, dependency, weight_decoder) to
    cycles; their sum is `cycles`. `bound` is the largest of them.
    """

    index: int
    cycles: float
    bound: str
    causes: dict[str, float]
    read_beats: int
    write_beats: int


@dataclass(frozen=True, kw_only=True)
class SpeedFinding:
    """What keeps an operator from going as fast as its MACs: `beyond_macs` are the cycles that it takes on top of them.

    `index` -1: commands that no source operator owns.
    """

    index: int
    operator: str
    name: str
    cycles: int
    beyond_macs: int
    bound: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ModelCycles:
    """A compiled model by our cycle model: cycles with their interval, the memory, how far that is validated, its operators.

    `other_cycles` belong to commands that Vela's debug database gives no source operator.
    """

    __pydantic_config__ = FILE_RECORD

    active_cycles: int
    low: int
    high: int
    memory: str
    trust: str
    other_cycles: float
    operators: tuple[OperatorCycles, ...]
    findings: tuple[SpeedFinding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        return asdict(self)


def read_model_cycles(text: str) -> ModelCycles:
    """The noun of a file's text; ValueError when it is none."""
    return MODEL_CYCLES.validate_json(text)


MODEL_CYCLES = TypeAdapter(ModelCycles)
