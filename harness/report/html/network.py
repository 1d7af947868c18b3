"""A compiled network from input to output: place, cycles and memory of every operator, to draw and to read out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from core.records.operator_cycles import ModelCycles, OperatorCycles
from core.records.placement import PlacedOperator, Placement, Where
from core.records.unavailable import Unavailable
from harness.report.run_view import RunView

BOUNDS = ("compute", "output", "read_bandwidth", "write_bandwidth", "read_latency", "dependency", "weight_decoder")
"""What our cycle model says of an operator: the MACs first."""
PLACES: tuple[Where, ...] = ("executed", "fused", "elided", "cpu")
MODULE = re.compile(r"(?:[a-z_0-9]+\.)+(?=[A-Z])")
"""Python modules in front of a class's name, which fill names of operators without saying anything."""
LONGEST_NAME = 120
LONGEST_READ = 2000
"""Letters of a name that are looked at: a file may hold a name of megabytes."""
KINDS_SHOWN = 6
Operators = Sequence[PlacedOperator]
Cost = Literal["npu_cycles", "compute_cycles", "staging_bytes"]


@dataclass(frozen=True)
class Track:
    """A row of a network's panel: SVG path data in a box one wide per operator and 100 high, its scale in words."""

    name: str
    top: str
    paths: Mapping[str, str]


@dataclass(frozen=True)
class OperatorColumns:
    """What the page's script reads out, a column each; kinds and places by number, reasons only where there are any."""

    kinds: Sequence[str]
    kind: Sequence[int]
    where: Sequence[int]
    name: Sequence[str]
    macs: Sequence[int]
    cycles: Sequence[int] | None
    compute: Sequence[int] | None
    staging: Sequence[int] | None
    reason: Mapping[int, str]
    ours: Sequence[int] | None
    bounds: Sequence[str]
    bound: Sequence[int] | None


@dataclass(frozen=True)
class Network:
    """One model on one NPU. `rows` is what the page reads out for each operator; `kinds` are shares of estimated cycles.

    `totals` are the two estimates in words, ours with its interval and how far it goes; `findings` what would make it faster:
    (operator, cycles beyond its MACs with their share, what bounds it and what follows).
    """

    key: str
    profile: str
    count: int
    places: Mapping[str, int]
    strip: Mapping[str, str]
    tracks: tuple[Track, ...]
    kinds: tuple[tuple[str, float], ...]
    waiting: float | None
    crossings: int
    limits: tuple[str, ...]
    cpu: tuple[tuple[str, str], ...]
    totals: tuple[str, ...]
    findings: tuple[tuple[str, str, str], ...]
    rows: OperatorColumns


def networks(view: RunView, model: str) -> list[Network]:
    """The panels of a model, one per NPU that the run has a placement of."""
    found = []
    for profile in view.profiles:
        placement = view.run.placement(model, profile)
        if placement and placement.operators:
            found.append(_network(f"{model}-{profile}", profile, placement, view.run.cycles(model, profile)))
    return found


def _network(key: str, profile: str, placement: Placement, ours: ModelCycles | None) -> Network:
    operators = placement.operators
    places = Counter(operator.where for operator in operators)
    cycles, compute = _numbers(operators, "npu_cycles"), _numbers(operators, "compute_cycles")
    own = _of_operators(ours, operators) if ours else None
    total, top = sum(cycles or ()), max([*(cycles or ()), *(one.cycles for one in own or ())], default=0)
    return Network(
        key=key,
        profile=profile,
        count=len(operators),
        places={place: places[place] for place in PLACES if places[place]},
        strip={place: _runs(operators, place) for place in PLACES if places[place]},
        tracks=tuple(track for track in (_cycles(cycles, compute, top), _bound(own, top), _staging(operators)) if track),
        kinds=_kinds(operators, cycles, total),
        waiting=1 - sum(compute) / total if compute and total else None,
        crossings=placement.crossings,
        limits=placement.limits,
        cpu=_on_cpu(operators),
        totals=_totals(total, ours),
        findings=_findings(ours) if ours else (),
        rows=_rows(operators, cycles, compute, own),
    )


def _on_cpu(operators: Operators) -> tuple[tuple[str, str], ...]:
    """(operator, Vela's reason) of every operator that is left to the CPU."""
    return tuple((f"#{i} {one.operator}", one.reason) for i, one in enumerate(operators) if one.where == "cpu")


def _numbers(operators: Operators, name: Cost) -> list[int] | None:
    """A figure of every operator, None when this run's files do not have it."""
    values: list[int | Unavailable] = [getattr(operator, name) for operator in operators]
    numbers = [value for value in values if not isinstance(value, Unavailable)]
    return numbers if len(numbers) == len(values) else None


def _runs(operators: Operators, place: Where) -> str:
    """One rectangle for each unbroken run of operators at a place."""
    parts, position = [], 0
    for where, group in groupby(operator.where for operator in operators):
        length = len(list(group))
        if where == place:
            parts.append(f"M{position} 0h{length}v100h-{length}z")
        position += length
    return "".join(parts)


def _bars(values: Sequence[float], top: float, bottoms: Sequence[float] | None = None) -> str:
    """One bar per operator that has any, `top` being 100 high."""
    parts = []
    for position, value in enumerate(values):
        bottom = bottoms[position] if bottoms else 0
        if value > 0:
            height, base = 100 * value / top, 100 - 100 * bottom / top
            parts.append(f"M{position} {base:.5g}v-{height:.4g}h1v{height:.4g}z")
    return "".join(parts)


def _cycles(cycles: Sequence[int] | None, compute: Sequence[int] | None, top: float) -> Track | None:
    """Vela's cycles, on the scale that they share with ours."""
    if not cycles or not max(cycles):
        return None
    if compute is None:
        return Track("Vela's cycles", f"{top / 1e3:,.0f} k", {"busy": _bars(cycles, top)})
    waits = [max(0, whole - alone) for whole, alone in zip(cycles, compute, strict=True)]
    return Track("Vela's cycles", f"{top / 1e3:,.0f} k", {"busy": _bars(compute, top), "waiting": _bars(waits, top, compute)})


def _of_operators(ours: ModelCycles, operators: Operators) -> list[OperatorCycles]:
    """One entry for each operator of the source, without cycles where it has no command of its own."""
    known = {one.index: one for one in ours.operators}
    none = OperatorCycles(index=0, cycles=0.0, bound="", causes={}, read_beats=0, write_beats=0)
    return [known.get(operator.index, none) for operator in operators]


def _bound(own: Sequence[OperatorCycles] | None, top: float) -> Track | None:
    """Our cycles, each bar in the colour of what bounds its operator."""
    if not own or not any(one.cycles for one in own):
        return None
    bounds = [bound for bound in BOUNDS if any(one.bound == bound for one in own)]
    paths = {
        f"b-{bound.replace('_', '-')}": _bars([one.cycles if one.bound == bound else 0 for one in own], top) for bound in bounds
    }
    return Track("our cycles", f"{top / 1e3:,.0f} k", paths)


def _findings(ours: ModelCycles) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            f"#{one.index} {one.operator}" if one.index >= 0 else one.operator,
            f"{one.beyond_macs:,} cycles ({one.beyond_macs / max(1, ours.active_cycles):.1%}) beyond its MACs",
            one.text,
        )
        for one in ours.findings
    )


def _totals(vela: int, ours: ModelCycles | None) -> tuple[str, ...]:
    if ours is None:
        return ()
    interval = f"{ours.low / 1e6:.2f} to {ours.high / 1e6:.2f}"
    return (f"Vela {vela / 1e6:.2f} M cycles", f"ours {ours.active_cycles / 1e6:.2f} M ({interval}), {ours.trust}")


def _staging(operators: Operators) -> Track | None:
    staging = _numbers(operators, "staging_bytes")
    if not staging or not max(staging):
        return None
    return Track("staging memory", f"{max(staging) / 2**20:.2f} MiB", {"memory": _bars(staging, max(staging))})


def _kinds(operators: Operators, cycles: Sequence[int] | None, total: int) -> tuple[tuple[str, float], ...]:
    """The kinds of operator that take the most estimated cycles, with their shares."""
    if not cycles or not total:
        return ()
    shares: Counter[str] = Counter()
    for operator, cost in zip(operators, cycles, strict=True):
        shares[operator.operator] += cost
    return tuple((kind, cost / total) for kind, cost in shares.most_common(KINDS_SHOWN) if cost)


def _rows(
    operators: Operators,
    cycles: Sequence[int] | None,
    compute: Sequence[int] | None,
    own: Sequence[OperatorCycles] | None,
) -> OperatorColumns:
    kinds = list(dict.fromkeys(operator.operator for operator in operators))
    return OperatorColumns(
        kinds=kinds,
        kind=[kinds.index(operator.operator) for operator in operators],
        where=[PLACES.index(operator.where) for operator in operators],
        name=short_names([operator.name for operator in operators]),
        macs=[operator.macs for operator in operators],
        cycles=cycles,
        compute=compute,
        staging=_numbers(operators, "staging_bytes"),
        reason={i: operator.reason for i, operator in enumerate(operators) if operator.reason},
        ours=[round(one.cycles) for one in own] if own else None,
        bounds=[bound.replace("_", " ") for bound in BOUNDS],
        bound=[BOUNDS.index(one.bound) if one.bound in BOUNDS else -1 for one in own] if own else None,
    )


def short_names(names: Sequence[str]) -> list[str]:
    """Names without Python modules and without the wrappers that most of them begin with, at most LONGEST_NAME long."""
    short = [MODULE.sub("", name[:LONGEST_READ]).strip("/;") for name in names]
    while wrapper := _wrapper(short):
        short = [name.replace(f"{wrapper}/", "") for name in short]
    return [name[:LONGEST_NAME] or full[:LONGEST_NAME] for name, full in zip(short, names, strict=True)]


def _wrapper(names: Sequence[str]) -> str:
    """The first part of a path that more than half of the names begin with, "" when there is none."""
    firsts = Counter(name.partition("/")[0] for name in names if name.partition("/")[2])
    first, count = (firsts.most_common(1) or [("", 0)])[0]
    return first if count * 2 > len(names) > 1 else ""
