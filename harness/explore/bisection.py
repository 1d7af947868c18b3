"""Between which neighbouring Velas a figure changed, and which operators account for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from conversion.speed_findings import operator_cycles
from core.errors import UsageError
from core.metrics import BY_NAME, nearest
from core.records.measurement import Measurement
from core.records.placement import PlacedOperator, Where
from core.records.unavailable import Unavailable
from harness.explore.sightings import Sighting
from harness.workbench.execution_figures import EQUALITY_METRICS

OPERATORS_SHOWN = 8
DECIMALS = 6
REASONS_APART = " · "
"""Vela's constraint stands before it, what of this operator does not hold it behind."""
METRICS = (
    "operators_executed", "operators_fused", "operators_elided", "operators_cpu", "npu_operator_share", "npu_mac_share",
    "npu_cpu_crossings", "arena_bytes", "flash_bytes", "fits", "estimated_us", "npu_estimated_us", "bit_exact",
    "bit_exact_images",
)  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """A figure that a bisection looks at: a metric, and which of its statistics ("" for the metric's own)."""

    metric: str
    stat: str = ""

    def __post_init__(self) -> None:
        """UsageError for a metric that a compilation does not have, or a statistic that the metric does not have."""
        if self.metric not in METRICS:
            near = nearest(self.metric, METRICS)
            hint = f"--metric {near}" if near else ""
            raise UsageError(f"--metric {self.metric}", f"one of {', '.join(METRICS)}", hint)
        known = BY_NAME[self.metric].stats
        if self.stat and self.stat not in known:
            raise UsageError(f"--stat {self.stat}: {self.metric} has {', '.join(known) or 'none'}", "one of them, or no --stat")

    @property
    def of_bytes(self) -> bool:
        """Whether the file has to be run for it."""
        return self.metric in EQUALITY_METRICS

    @property
    def place(self) -> str:
        """The place whose operators it counts, "" where it counts none."""
        return self.metric.partition("operators_")[2]

    def value(self, sighting: Sighting) -> str:
        """The figure as it is shown; `none: <reason>` where there is none. Equal texts are equal figures."""
        if isinstance(sighting.made, Unavailable):
            return f"none: {sighting.made.reason.splitlines()[0]}"
        figure = self._figure(sighting.figures(with_bytes=self.of_bytes))
        if isinstance(figure.value, Unavailable):
            return f"none: {figure.value.reason}"
        return BY_NAME[self.metric].text(figure) if figure.number is None else f"{round(figure.number, DECIMALS):,}"

    def _figure(self, figures: Sequence[Measurement]) -> Measurement:
        stat = self.stat or BY_NAME[self.metric].stat
        return next(one for one in figures if one.metric == self.metric and one.stat == stat)


@dataclass(frozen=True)
class Move:
    """Operators of one kind that another version puts elsewhere, by their indices; `reason` is Vela's constraint."""

    operator: str
    before: Where
    after: Where
    reason: str
    indices: tuple[int, ...] = field(kw_only=True)


@dataclass(frozen=True)
class Change:
    """Neighbouring versions between which a figure changed; both ends of the range are the same where it did not."""

    before: Sighting
    after: Sighting
    values: tuple[str, str]

    @property
    def found(self) -> bool:
        """Whether there is a change."""
        return self.values[0] != self.values[1]

    def moved(self, watched: Watched) -> list[Move]:
        """Operators of the file that the second version puts elsewhere, the largest groups first; none when either has no file.

        For a count of operators in one place only those that came from there or went there.
        """
        first, second = self.before.made, self.after.made
        if isinstance(first, Unavailable) or isinstance(second, Unavailable):
            return []
        groups: dict[tuple[str, Where, Where, str], list[int]] = defaultdict(list)
        for a, b in zip(first.placement.operators, second.placement.operators, strict=True):
            if a.where != b.where and watched.place in ("", a.where, b.where):
                groups[a.operator, a.where, b.where, (a.reason or b.reason).partition(REASONS_APART)[0]].append(a.index)
        moves = [Move(*key, indices=tuple(indices)) for key, indices in groups.items()]
        return sorted(moves, key=lambda move: -len(move.indices))

    def slower(self) -> list[tuple[PlacedOperator, float, float]]:
        """Operators in one place in both whose cycles by our model differ most: (operator, cycles before, after).

        Empty where our model says nothing; those that moved are no comparison.
        """
        first, second = _cycles(self.before), _cycles(self.after)
        if isinstance(self.before.made, Unavailable) or isinstance(self.after.made, Unavailable) or not (first and second):
            return []
        rows = [
            (b, first.get(b.index, 0.0), second.get(b.index, 0.0))
            for a, b in zip(self.before.made.placement.operators, self.after.made.placement.operators, strict=True)
            if a.where == b.where
        ]
        told = [row for row in rows if row[1] != row[2]]
        return sorted(told, key=lambda row: -abs(row[2] - row[1]))[:OPERATORS_SHOWN]


def _cycles(sighting: Sighting) -> dict[int, float]:
    if isinstance(sighting.made, Unavailable) or isinstance(sighting.estimation.found, Unavailable):
        return {}
    rows, _ = operator_cycles(sighting.made, sighting.estimation.found)
    return {row.index: row.cycles for row in rows}


def bisect(
    versions: Sequence[str], through: Callable[[str], Sighting], watched: Watched, told: Callable[[Sighting, str], None]
) -> Change:
    """The neighbours between which the figure changes; halves `versions`, oldest first, whose ends differ.

    `told` is called with each version's value as it is found. Where a figure changes several times, one of the changes is
    found. UsageError for fewer than two versions.
    """
    if len(versions) < 2:
        raise UsageError(f"--velas names {len(versions)} version", "two at least", "--velas 4.5..5.2")

    def seen(version: str) -> tuple[Sighting, str]:
        sighting = through(version)
        value = watched.value(sighting)
        told(sighting, value)
        return sighting, value

    low, high = 0, len(versions) - 1
    first, last = seen(versions[low]), seen(versions[high])
    while high - low > 1 and first[1] != last[1]:
        middle = (low + high) // 2
        found = seen(versions[middle])
        if found[1] == first[1]:
            low, first = middle, found
        else:
            high, last = middle, found
    return Change(first[0], last[0], (first[1], last[1]))
