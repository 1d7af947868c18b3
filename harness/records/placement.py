"""Where Vela put every operator of the source graph, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["executed", "fused", "elided", "cpu"]


@dataclass(frozen=True)
class PlacedOperator:
    """One operator of the source TFLite file.

    `where`: executed (has an NPU command of its own), fused (done inside the command of another operator), elided (removed:
    a reshape or a copy that needs no work), cpu. `reason` is Vela's own constraint text when it is on the CPU. `macs` are our
    count of multiply-accumulates, `npu_cycles` Vela's estimate for the commands that belong to it.
    """

    index: int
    operator: str
    name: str
    where: Where
    macs: int
    npu_cycles: int
    reason: str = ""


@dataclass(frozen=True)
class Placement:
    """Every source operator in file order, and the shares that follow.

    `crossings` counts how often execution passes between NPU and CPU; shares are 0..1 of operators, MACs and Vela's
    estimated cycles that lie on the NPU. Vela counts no cycles for CPU operators, so `npu_cycle_share` is None-free but only
    meaningful next to the other two.
    """

    operators: tuple[PlacedOperator, ...]
    crossings: int

    @property
    def cpu(self) -> tuple[PlacedOperator, ...]:
        """The operators left on the CPU, in file order."""
        return tuple(operator for operator in self.operators if operator.where == "cpu")

    @property
    def operator_share(self) -> float:
        """Operators that are not on the CPU, 0..1 of all source operators."""
        return 1.0 - len(self.cpu) / len(self.operators)

    @property
    def mac_share(self) -> float:
        """Multiply-accumulates that are not on the CPU, 0..1; 1.0 for a graph without any."""
        total = sum(operator.macs for operator in self.operators)
        return 1.0 - sum(operator.macs for operator in self.cpu) / total if total else self.operator_share

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole source graph."""
        return sum(operator.macs for operator in self.operators)

    def count(self, where: Where) -> int:
        """Number of operators at one place."""
        return sum(operator.where == where for operator in self.operators)
