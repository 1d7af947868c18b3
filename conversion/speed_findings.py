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
    owned, other = _owned(compilation, found)
    return tuple(_cycles(index, commands) for index, commands in sorted(owned.items())), other


def _owned(compilation: Compilation, found: Estimate) -> tuple[dict[int, list[OperationEstimate]], float]:
    owner = {place: operator.index for operator in compilation.placement.operators for place in operator.commands}
    owned: dict[int, list[OperationEstimate]] = defaultdict(list)
    other = 0.0
    for one in found.operations:
        index = owner.get((one.stream, one.address))
        if index is None:
            other += one.cycles
        else:
            owned[index].append(one)
    return owned, other


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
    owned, _ = _owned(compilation, found)
    findings = []
    for index, commands in owned.items():
        own, placed = _cycles(index, commands), compilation.placement.operators[index]
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


def _reasons(placed: PlacedOperator, bound: str, commands: Sequence[OperationEstimate]) -> Iterator[str]:
    """What follows from the layout of the command that takes the most of an operator's time."""
    longest = max(commands, key=lambda one: one.cycles)
    layout = longest.layout
    if placed.operator in LAYOUT_KINDS:
        yield "it computes nothing and only moves data: convert or cut the graph so that nobody needs its layout"
    if len(commands) > 1:
        yield f"it takes {len(commands)} commands"
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
