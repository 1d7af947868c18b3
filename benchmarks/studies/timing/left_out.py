"""What leaving a network out of the fit of a measured constant would have made of it, and of the error on that network."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from benchmarks.studies.timing.published import CONSTANTS, Cell, constant, folder
from ethosu_simulator.timing import hardware
from ethosu_simulator.timing.estimate import active_cycles

STEPS = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.5)
"""Values that a constant could have had, in its own measure."""


LAYERS = "layers"
NETWORK_CYCLES = 100_000
"""Smaller networks of U65 are under no bar."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The errors of a group (a product, or the single layers), each with the constant fitted without the figure's network.

    `worst` is the stream with the largest.
    """

    constant: str
    group: str
    mean: float
    largest: float
    worst: str


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A constant fitted without one network: its value, and the mean error on that network with it and as it is."""

    constant: str
    value: float
    network: str
    fitted: float
    error: float
    today: float


def left_out(cells: Sequence[Cell]) -> list[LeftOut]:
    """One row for each measured constant and network."""
    networks = sorted({_network(cell) for cell in cells})
    rows = []
    for name in CONSTANTS:
        value = float(getattr(hardware, name))
        errors = _by_step(name, tuple(cells))
        for network in networks:
            best = _best(errors, cells, network)
            rows.append(
                LeftOut(
                    constant=name,
                    value=value,
                    network=network,
                    fitted=value * best,
                    error=_mean(errors[best], cells, network, without=False),
                    today=_mean(errors[1.0], cells, network, without=False),
                )
            )
    return rows


def held_out(cells: Sequence[Cell]) -> list[HeldOut]:
    """The bars without the networks that they are judged on: one row for each constant and group that a bar is about."""
    rows = []
    for name in CONSTANTS:
        errors = _by_step(name, tuple(cells))
        best = {network: _best(errors, cells, network) for network in {_network(cell) for cell in cells}}
        groups: dict[str, list[tuple[float, str]]] = {}
        for number, cell in enumerate(cells):
            for group in _groups(cell):
                error = errors[best[_network(cell)]][number]
                groups.setdefault(group, []).append((error, cell.stream.removesuffix("_vela.tflite").replace("__", " ")))
        for group, own in groups.items():
            largest, worst = max(own)
            mean = statistics.mean(error for error, _ in own)
            rows.append(HeldOut(constant=name, group=group, mean=mean, largest=largest, worst=worst))
    return rows


def _groups(cell: Cell) -> tuple[str, ...]:
    """The bars that a figure counts in."""
    if cell.kind == "layer":
        return (LAYERS,)
    return () if cell.npu == "U65" and cell.published < NETWORK_CYCLES else (cell.npu,)


def _best(errors: Mapping[float, Sequence[float]], cells: Sequence[Cell], network: str) -> float:
    """The step that fits everything but one network best."""
    return min(STEPS, key=lambda step: _mean(errors[step], cells, network, without=True))


@cache
def _by_step(name: str, cells: tuple[Cell, ...]) -> Mapping[float, Sequence[float]]:
    value = float(getattr(hardware, name))
    return {step: _errors(name, value * step, cells) for step in STEPS}


def _errors(name: str, value: float, cells: Sequence[Cell]) -> list[float]:
    with constant(name, value):
        return [abs(active_cycles(folder() / "streams" / cell.stream, cell.memory) / cell.published - 1) for cell in cells]


def _network(cell: Cell) -> str:
    return cell.model.split()[0]


def _mean(errors: Sequence[float], cells: Sequence[Cell], network: str, *, without: bool) -> float:
    """The mean error over all cells but the network's, or over the network's own."""
    kept = [error for error, cell in zip(errors, cells, strict=True) if (_network(cell) == network) != without]
    return statistics.mean(kept)
