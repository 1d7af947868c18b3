"""What would make a model faster: for each operator that waits for something else than its MACs, what, and what follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from conversion.placement import LAYOUT_KINDS
from core.records.artefact import Compilation
from core.records.operator_cycles import OperatorCycles, SpeedFinding
from core.records.placement import PlacedOperator

if TYPE_CHECKING:
    from ethosu_simulator.timing import Estimate, OperationEstimate
    from ethosu_simulator.timing.layout import Layout, Side

LEAST_SHARE = 0.005
"""Of the active cycles: what an operator loses less than this is not worth a line."""
NOBODY = -1
"""The index of commands that no source operator owns."""
READ_OFTEN = 1.5
MUCH = 0.25
"""Of what an operator reads: from here on weights are worth a word."""
READING = ("read_bandwidth", "read_latency", "weight_decoder")
MORE_BYTES = "its maps and weights are more bytes than its MACs leave time for"
OUTPUT_MACS = "it has few MACs for each element: elements leave more slowly than they are computed"
OUTPUT_ALONE = "it has no MACs and goes as fast as elements leave: fuse it, or drop it"
WORDS = {
    "output": "its output unit",
    "read_bandwidth": "the bandwidth it reads with",
    "write_bandwidth": "the bandwidth it writes with",
    "read_latency": "the latency of what it reads",
    "dependency": "what has to end before it",
    "weight_decoder": "the weight decoder",
}


def operator_cycles(compilation: Compilation, found: Estimate) -> tuple[tuple[OperatorCycles, ...], float]:
    """(the cycles of each operator of the source graph, those of commands that none of them owns)."""
    owned, others = _owned(compilation, found)
    rows = tuple(_cycles(index, commands) for index, commands in sorted(owned.items()))
    return rows, sum(one.cycles for one in others)


def _owned(compilation: Compilation, found: Estimate) -> tuple[dict[int, list[OperationEstimate]], list[OperationEstimate]]:
    """(the commands of each source operator, those that Vela's debug database gives none)."""
    owner = {place: operator.index for operator in compilation.placement.operators for place in operator.commands}
    owned: dict[int, list[OperationEstimate]] = defaultdict(list)
    others: list[OperationEstimate] = []
    for one in found.operations:
        index = owner.get((one.stream, one.address))
        (others if index is None else owned[index]).append(one)
    return owned, others


def _cycles(index: int, commands: Sequence[OperationEstimate]) -> OperatorCycles:
    causes: dict[str, float] = defaultdict(float)
    for one in commands:
        span = sum(one.causes.values()) or 1.0  # of the operation itself, which overlaps the one before
        for cause, cycles in one.causes.items():
            causes[cause] += cycles * one.cycles / span
    return OperatorCycles(
        index=index,
        cycles=sum(causes.values()),
        bound=max(causes, key=lambda cause: causes[cause]),
        causes=dict(causes),
        read_beats=sum(one.read_beats for one in commands),
        write_beats=sum(one.write_beats for one in commands),
    )


def speed_findings(compilation: Compilation, found: Estimate) -> tuple[SpeedFinding, ...]:
    """A finding for every operator that is bound by something else than its MACs, what costs most first."""
    owned, others = _owned(compilation, found)
    places = {operator.index: operator for operator in compilation.placement.operators}
    findings = [finding] if (finding := _of_nobody(compilation, found, others)) else []
    for index, commands in owned.items():
        own, placed = _cycles(index, commands), places[index]
        beyond = own.cycles - own.causes.get("compute", 0.0)
        if own.bound != "compute" and beyond >= LEAST_SHARE * found.active_cycles:
            why = "; ".join(_reasons(placed, own.bound, commands)) or MORE_BYTES
            findings.append(
                SpeedFinding(
                    index=index,
                    operator=placed.operator,
                    name=placed.name,
                    cycles=round(own.cycles),
                    beyond_macs=round(beyond),
                    bound=own.bound,
                    text=f"bound by {WORDS[own.bound]}: {why}",
                )
            )
    return tuple(sorted(findings, key=lambda one: -one.beyond_macs))


def _of_nobody(compilation: Compilation, found: Estimate, others: Sequence[OperationEstimate]) -> SpeedFinding | None:
    """What the commands lose that Vela's debug database gives no operator; None where that is little."""
    own = _cycles(NOBODY, others) if others else None
    beyond = own.cycles - own.causes.get("compute", 0.0) if own else 0.0
    if own is None or beyond < LEAST_SHARE * found.active_cycles:
        return None
    silent = {one.operator for one in compilation.placement.operators if one.macs and not one.commands and one.where != "cpu"}
    count = sum(one.bound != "transfer" for one in others)
    whose = f", while {', '.join(sorted(silent))} has MACs and no command of its own" if silent else ""
    return SpeedFinding(
        index=NOBODY,
        operator="commands of no operator",
        name=", ".join(sorted(silent)),
        cycles=round(own.cycles),
        beyond_macs=round(beyond),
        bound=own.bound,
        text=f"bound by {WORDS.get(own.bound, 'their MACs')}: {count} commands to which Vela gives no source operator{whose}",
    )


def _reasons(placed: PlacedOperator, bound: str, commands: Sequence[OperationEstimate]) -> Iterator[str]:
    """What follows from the layout of the command that takes the most of an operator's time."""
    longest = max(commands, key=lambda one: one.cycles)
    layout = longest.layout
    if placed.operator in LAYOUT_KINDS:
        yield "it computes nothing and only moves data: convert or cut the graph so that nobody needs its layout"
    steps = sum(one.bound != "transfer" for one in commands)
    if steps > 1:
        yield f"it is done in {steps} steps or stripes"
    staged = sum(one.layout.moved_bytes for one in commands)
    if staged:
        yield f"{staged:,} bytes are staged for it"
    if bound in READING and layout.weight_reads >= READ_OFTEN and layout.weight_share >= MUCH:
        yield (
            f"its {layout.weight_bytes:,} bytes of weights are read {layout.weight_reads:.0f} times, once for each block of "
            "the plane: a smaller map, or fewer channels there, would read them less"
        )
    if bound in READING and layout.ifm_reads >= READ_OFTEN:
        yield f"each byte of its input is read {layout.ifm_reads:.1f} times, by overlapping windows and blocks of channels"
    yield from _sides(bound, layout)
    if bound == "output":
        yield OUTPUT_MACS if longest.units["mac"] else OUTPUT_ALONE


def _sides(bound: str, layout: Layout) -> Iterator[str]:
    sides = [("input", layout.ifm, ("read_bandwidth", "read_latency")), ("output", layout.ofm, ("write_bandwidth", "output"))]
    for name, side, bounds in sides:
        if side is not None and bound in bounds:
            yield from _side(name, side)


def _side(name: str, side: Side) -> Iterator[str]:
    if side.element_bytes > 1:
        yield f"its {name} has {8 * side.element_bytes} bits an element: {side.element_bytes} times the bytes of int8"
    if not side.bricks:
        yield f"its {name} of depth {side.depth} lies as NHWC, pixel by pixel, not in bricks of 16 channels"
    elif side.filled < 1:
        yield f"its {name} has depth {side.depth}, no multiple of 16: {1 - side.filled:.0%} of its bricks is padding"
