"""Where Vela put every operator of the source graph, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.records.unavailable import Unavailable

Where = Literal["executed", "fused", "elided", "cpu"]
NOT_READ = Unavailable("not read from Vela's files")


@dataclass(frozen=True)
class PlacedOperator:
    """One operator of the source TFLite file.

    `where`: executed (has an NPU command of its own), fused (done inside the command of another operator), elided (removed:
    a reshape or a copy that needs no work), cpu. `reason` is Vela's own constraint text when it is on the CPU. `macs` are our
    count of multiply-accumulates, `npu_cycles` Vela's estimate for the commands that belong to it (0 on the CPU, where Vela
    counts nothing); an older Vela gives none per operator. `compute_cycles` are those of them that remain with memories that
    never make the NPU wait; `staging_bytes` is the most that lies in the staging memory (Vela's fast scratch memory) meanwhile.
    `commands` are the operator's own commands in the NPU's queue: the number of the stream (from 1, in the order of the
    compiled file's `ethos-u` operators) and the byte offset in it.
    """

    index: int
    operator: str
    name: str
    where: Where
    macs: int
    npu_cycles: int | Unavailable
    reason: str = ""
    commands: tuple[tuple[int, int], ...] = ()
    compute_cycles: int | Unavailable = NOT_READ
    staging_bytes: int | Unavailable = NOT_READ

    def to_json(self) -> dict[str, Any]:
        """A mapping for placement files; what this Vela does not give is a text that says so."""
        figures = {name: str(value) if isinstance(value, Unavailable) else value for name, value in vars(self).items()}
        return figures | {"commands": [list(place) for place in self.commands]}


@dataclass(frozen=True)
class Placement:
    """Every source operator in file order, and the shares that follow.

    `crossings` counts how often execution passes between NPU and CPU inside the compiled graph, handing over its inputs and
    outputs not counted. Shares are 0..1. Executed, fused and elided operators all count as on the NPU: none of them costs the
    CPU anything. `limits` names what this Vela did not write, and which checks could therefore not be made; `uncounted` the
    kinds of operators whose multiply-accumulates nobody knows.
    """

    operators: tuple[PlacedOperator, ...]
    crossings: int
    limits: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def cpu(self) -> tuple[PlacedOperator, ...]:
        """The operators left on the CPU, in file order."""
        return tuple(operator for operator in self.operators if operator.where == "cpu")

    @property
    def operator_share(self) -> float:
        """Operators that are not on the CPU, 0..1 of all source operators; 0.0 for a graph without any."""
        return 1.0 - len(self.cpu) / len(self.operators) if self.operators else 0.0

    @property
    def mac_share(self) -> float | Unavailable:
        """Multiply-accumulates that are not on the CPU, 0..1; the operator share for a graph without any."""
        if self.uncounted:
            return Unavailable(f"the multiply-accumulates of {', '.join(self.uncounted)} are not known")
        on_cpu = sum(operator.macs for operator in self.cpu)
        return 1.0 - on_cpu / self.macs if self.macs else self.operator_share

    @property
    def cycle_share(self) -> float | Unavailable:
        """Vela's estimated cycles that lie on the NPU, 0..1 of all it estimates.

        Vela counts no cycles for CPU operators, so this is 1.0 as soon as the NPU does anything and 0.0 when it does nothing:
        it proves nothing without the other two shares.
        """
        cycles = self.npu_cycles
        if isinstance(cycles, Unavailable):
            return cycles
        return 1.0 if cycles else 0.0

    @property
    def npu_cycles(self) -> int | Unavailable:
        """Vela's estimated cycles of all NPU commands that belong to source operators."""
        total = 0
        for operator in self.operators:
            if isinstance(operator.npu_cycles, Unavailable):
                return operator.npu_cycles
            total += operator.npu_cycles
        return total

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole source graph."""
        return sum(operator.macs for operator in self.operators)

    def to_json(self) -> dict[str, Any]:
        """A mapping for placement files: shares, crossings, and every operator."""
        return {
            "operator_share": self.operator_share,
            "mac_share": _figure(self.mac_share),
            "cycle_share": _figure(self.cycle_share),
            "crossings": self.crossings,
            "limits": list(self.limits),
            "uncounted": list(self.uncounted),
            "operators": [operator.to_json() for operator in self.operators],
        }

    def count(self, where: Where) -> int:
        """Number of operators at one place."""
        return sum(operator.where == where for operator in self.operators)


def read_placement(content: Any) -> Placement:
    """The placement of a file's parsed JSON; KeyError, TypeError or ValueError when it is none.

    What a Vela or an older version did not write is `Unavailable`.
    """
    operators = tuple(_read_operator(index, row) for index, row in enumerate(content["operators"]))
    limits, uncounted = (tuple(map(str, content.get(name, ()))) for name in ("limits", "uncounted"))
    return Placement(operators, int(content.get("crossings", 0)), limits, uncounted)


def _figure(value: float | Unavailable) -> float | str:
    """A share, or the text that says why there is none."""
    return str(value) if isinstance(value, Unavailable) else value


def _read_operator(index: int, row: Any) -> PlacedOperator:
    if row["where"] not in get_args(Where):
        raise ValueError(f"no place is called {row['where']!r}")
    return PlacedOperator(
        index=int(row.get("index", index)),
        operator=str(row["operator"]),
        name=str(row["name"]),
        where=row["where"],
        macs=int(row["macs"]),
        npu_cycles=_count(row["npu_cycles"]),
        reason=str(row.get("reason", "")),
        commands=tuple((int(stream), int(offset)) for stream, offset in row.get("commands", ())),
        compute_cycles=_count(row.get("compute_cycles", NOT_READ)),
        staging_bytes=_count(row.get("staging_bytes", NOT_READ)),
    )


def _count(value: Any) -> int | Unavailable:
    """A number, or the text that says why there is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return value if isinstance(value, Unavailable) else Unavailable(str(value).removeprefix("unavailable: "))
