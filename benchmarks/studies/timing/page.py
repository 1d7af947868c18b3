"""docs/reference/timing.md and errors.json out of what was compared."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.studies.timing.left_out import LAYERS, NETWORK_CYCLES, HeldOut, LeftOut
from benchmarks.studies.timing.published import CONSTANTS, TOTAL_CONSTANT, Compared
from ethosu_simulator.timing import hardware

LEEWAY = 1.5
"""How much of a bar a network may have that the constants were fitted without."""
BARS = {"U55": (0.03, 0.06), "U65": (0.05, 0.10), "U85": (0.05, 0.12), LAYERS: (0.10, 1.0)}
"""Group -> (mean, largest) error."""
TENTH, SLACK = 0.1, 1000

HEADING = """# Time: what the cycle model says, and how far it is right

Written by `python -m benchmarks.studies.timing`; every figure below is that command's. The published figures are counts
of Arm's FVP for streams that were reproduced byte for byte; where each was published is in the file of the counts.

`ethos-bench estimate FILE` and `ethosu_simulator.timing.estimate(path, memory=...)` read the command stream alone: no value is
computed, and none changes. An estimate has an interval: `low` is what is left when everything is fetched ahead and nothing
measured is added, `high` what it takes when nothing is fetched ahead and operations do not overlap. It is no confidence
interval: it says how much of the figure rests on overlap.

An estimate is `validated` when these counts cover such a stream: 8-bit networks on the products, sizes and memories below, and
single layers on U85-256. It is not for 16- and 32-bit feature maps, RESIZE, matrix products, gathers, U85-1024 and 2048, a
board's own memory, single layers elsewhere; and no published figure of silicon is good enough for a percentage.

Every published figure is in a table below. TOTAL is ACTIVE in quanta of 1,000 cycles with a constant on top. Units are parts of
a network whose stream has an interrupt after each: what it took there, with nothing to overlap, stands beside what the same
computations take in the network as it is, so that they say how time is spread and judge nothing.
"""

METHOD = """## How it reckons

Memories are TOML files (`ethosu_simulator/timing/memory/`): words in a cycle, latencies, outstanding bursts, an adapter's cap
of words in a period, and which region lies where. `mlek` are the evaluation kit's timing adapters, `mlek-off` is without them,
`template.toml` is for a board's own. The formula of each unit and its source stand in its module's docstring:

| unit | module |
|---|---|
| beats and bursts of feature maps | `traffic.py` |
| which windows, weights and scales are read, and how often | `work.py`, `constants.py` |
| MAC and output unit | `compute.py` |
| overlap of units in an operation | `schedule.py` |
| transfers, waits and operations in order | `timeline.py` |
| words, slots, caps and sharing of a port | `ports.py` |

Taken from documents (Vela's tables, the driver, the evaluation kit) and not fitted: micro-blocks, output rates, U85's read
buffers and the share of them in flight, burst length, adapters. Why each is so, and what was tried instead: docs/decisions/
(`timing-traffic.md`, `timing-units.md`, `timing-memory.md`). What was measured on these counts is the next table.
"""


@dataclass(frozen=True)
class Bar:
    """A bar that was set beforehand, and what came of it."""

    what: str
    bar: str
    found: str
    met: bool

    def row(self) -> str:
        """A line of the table."""
        return f"| {self.what} | {self.bar} | {self.found} | {'met' if self.met else '**missed**'} |"


def stated(active: Sequence[Compared]) -> dict[str, dict[str, dict[str, float]]]:
    """{npu: {memory: {mean, largest, networks}}}: the error that an estimate states beside its figure."""
    held: dict[str, dict[str, dict[str, float]]] = {}
    for one in active:
        if one.cell.kind == "cycles":
            held.setdefault(one.cell.name, {}).setdefault(one.cell.memory.name, {})
    for npu, memories in held.items():
        for memory in memories:
            errors = [
                abs(one.error)
                for one in active
                if (one.cell.name, one.cell.memory.name, one.cell.kind) == (npu, memory, "cycles")
            ]
            memories[memory] = {
                "mean": round(statistics.mean(errors), 4),
                "largest": round(max(errors), 4),
                "networks": len(errors),
            }
    return held


def page(found: Sequence[Compared], fitted: Sequence[LeftOut], held: Sequence[HeldOut]) -> str:
    """The page."""
    parts = [HEADING, "## Bars\n", _bars(found, held), _by_product(found), METHOD, _constants(fitted, held)]
    parts += [_cycles(found), _layers(found), _sweeps(found), _totals(found), _units(found), _beats(found)]
    return "\n".join(parts)


def _of(found: Iterable[Compared], kind: str, npu: str = "") -> list[Compared]:
    return [one for one in found if one.cell.kind == kind and npu in ("", one.cell.npu)]


def _mean_and_largest(what: str, some: Sequence[Compared], mean: float, largest: float) -> Bar:
    errors = [abs(one.error) for one in some]
    found = statistics.mean(errors), max(errors)
    met = found[0] <= mean and found[1] <= largest
    return Bar(what, f"mean {mean:.0%}, each {largest:.0%}", f"mean {found[0]:.1%}, largest {found[1]:.1%}", met)


def held_bars(held: Sequence[HeldOut]) -> list[Bar]:
    """One bar for each group: the worst that any constant does to it when fitted without the network that is judged."""
    bars = []
    for group, (mean, largest) in BARS.items():
        own = [one for one in held if one.group == group]
        mean_found, worst = max(one.mean for one in own), max(own, key=lambda one: one.largest)
        met = mean_found <= LEEWAY * mean and worst.largest <= LEEWAY * largest
        asked = f"mean {LEEWAY * mean:.1%}" + (f", each {LEEWAY * largest:.0%}" if largest < 1 else "")
        found = f"mean {mean_found:.1%}, largest {worst.largest:.1%} ({worst.worst}, by {worst.constant})"
        bars.append(Bar(f"{group}, constants fitted without the network", asked, found, met))
    return bars


def _bars(found: Sequence[Compared], held: Sequence[HeldOut]) -> str:
    beats, layers, sweeps = (_of(found, kind) for kind in ("beats", "layer", "sweep"))
    large = [one for one in _of(found, "cycles", "U65") if one.cell.published >= NETWORK_CYCLES]
    exact = sum(one.predicted == one.cell.published for one in beats)
    inside = sum(one.low <= one.cell.published <= one.high for one in layers)
    width = statistics.median((one.high - one.low) / one.predicted for one in layers)
    near = sum(abs(one.predicted - one.cell.published) <= TENTH * one.cell.published + SLACK for one in sweeps)
    mean_layer = statistics.mean(abs(one.error) for one in layers)
    bars = [
        Bar("beats of U55 and U65, each port and network", "exact", f"{exact} of {len(beats)}", exact == len(beats)),
        _mean_and_largest("U55 active cycles", _of(found, "cycles", "U55"), *BARS["U55"]),
        _mean_and_largest("U65 networks of 100,000 cycles and more", large, *BARS["U65"]),
        _mean_and_largest("U85-128, 256, 512 networks", _of(found, "cycles", "U85"), *BARS["U85"]),
        Bar("U85 single layers", "mean 10%", f"mean {mean_layer:.1%}", mean_layer <= TENTH),
        Bar("the same, inside the interval", "all", f"{inside} of {len(layers)}", inside == len(layers)),
        Bar("median width of their interval", "50% of the estimate", f"{width:.0%}", width <= 0.5),
        Bar("sweeps (TOTAL less its constant)", "10% + 1,000 cycles", f"{near} of {len(sweeps)}", near == len(sweeps)),
        Bar("order within a sweep", "kept", "kept" if _in_order(sweeps) else "changed", _in_order(sweeps)),
        *held_bars(held),
    ]
    return "\n".join(["| figure | bar | found | |", "|---|---|---|---|", *(bar.row() for bar in bars)]) + "\n"


def _in_order(sweeps: Sequence[Compared]) -> bool:
    series: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one in sweeps:
        key = one.cell.stream, one.cell.platform.rpartition(" ")[0]
        series.setdefault(key, []).append((one.cell.published, one.predicted))
    return all(sorted(pairs) == sorted(pairs, key=lambda pair: (pair[1], pair[0])) for pairs in series.values())


def _by_product(found: Sequence[Compared]) -> str:
    rows = ["## Error by product and size\n", "| NPU | memory | networks | mean | largest |", "|---|---|---|---|---|"]
    for npu, memories in stated(found).items():
        for memory, error in memories.items():
            rows.append(f"| {npu} | {memory} | {error['networks']} | {error['mean']:.1%} | {error['largest']:.1%} |")
    pictures = "![Predicted against published cycles](../images/timing-cycles.svg)\n\n![Errors](../images/timing-errors.svg)\n"
    return "\n".join([*rows, "", pictures])


def _constants(fitted: Sequence[LeftOut], held: Sequence[HeldOut]) -> str:
    rows = [
        "## Measured constants, and leaving a network out\n",
        "Each was fitted anew (half to one and a half times its value) without one network; the error is the mean over that",
        "network's figures with the constant so fitted, beside the error as the model stands. `H3R` are the single layers.\n",
        "| constant | value | left out | fitted without it | error on it | error as it is |",
        "|---|---|---|---|---|---|",
    ]
    for one in fitted:
        value = getattr(hardware, one.constant)
        rows.append(f"| {one.constant} | {value} | {one.network} | {one.fitted:g} | {one.error:.1%} | {one.today:.1%} |")
    rows += ["", "Each figure with the constant fitted without its network, by product:", ""]
    rows += ["| constant | group | mean | largest | of |", "|---|---|---|---|---|"]
    rows += [f"| {one.constant} | {one.group} | {one.mean:.1%} | {one.largest:.1%} | {one.worst} |" for one in held]
    rows += ["", "| constant | unit | meaning |", "|---|---|---|"]
    rows += [f"| {name} | {unit} | {meaning} |" for name, (_, unit, meaning) in CONSTANTS.items()]
    return "\n".join(rows) + "\n"


def _table(title: str, some: Sequence[Compared]) -> str:
    rows = [f"## {title}\n", "| stream | memory | published | predicted | error | interval |", "|---|---|---|---|---|---|"]
    for one in some:
        cell = one.cell
        platform = cell.platform.partition(": ")[2] or cell.memory.name
        rows.append(
            f"| {cell.stream.removesuffix('_vela.tflite').replace('__', ' ')} | {platform} | {cell.published:,} | "
            f"{one.predicted:,} | {one.error:+.1%} | {one.low:,} to {one.high:,} |"
        )
    return "\n".join(rows) + "\n"


def _cycles(found: Sequence[Compared]) -> str:
    return _table("Active cycles of networks", _of(found, "cycles"))


def _layers(found: Sequence[Compared]) -> str:
    return _table("Active cycles of single layers", _of(found, "layer"))


def _sweeps(found: Sequence[Compared]) -> str:
    constants = ", ".join(f"{npu} {value}" for npu, value in TOTAL_CONSTANT.items())
    return _table(f"Sweeps (TOTAL less its constant: {constants})", _of(found, "sweep"))


def _totals(found: Sequence[Compared]) -> str:
    constants = ", ".join(f"{npu} {value}" for npu, value in TOTAL_CONSTANT.items())
    return _table(f"TOTAL, in quanta of 1,000 (less its constant: {constants})", _of(found, "total"))


def _units(found: Sequence[Compared]) -> str:
    rows = ["## Units of a network\n", "| stream | unit | computations | published, in quanta of 1,000 | predicted |"]
    rows += ["|---|---|---|---|---|"]
    for one in _of(found, "unit"):
        stream, (number, count) = one.cell.stream.removesuffix("_vela.tflite").replace("__", " "), one.cell.unit
        rows.append(f"| {stream} | {number} | {count} | {one.cell.published:,} | {one.predicted:,} |")
    return "\n".join(rows) + "\n"


def _beats(found: Sequence[Compared]) -> str:
    rows = ["## Beats\n", "| stream | counter | published | predicted |", "|---|---|---|---|"]
    for one in _of(found, "beats"):
        stream = one.cell.stream.removesuffix("_vela.tflite").replace("__", " ")
        rows.append(f"| {stream} | {one.cell.metric.removesuffix('_beats')} | {one.cell.published:,} | {one.predicted:,} |")
    return "\n".join(rows) + "\n"
