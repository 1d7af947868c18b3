"""What leaving a network out of the fit of a measured constant would have made of it, and of the error on that network."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.studies.timing.published import CONSTANTS, Cell, constant, folder
from ethosu_simulator.timing import hardware
from ethosu_simulator.timing.estimate import active_cycles

STEPS = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Values that a constant could have had, in its own measure."""


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
        errors = {step: _errors(name, value * step, cells) for step in STEPS}
        for network in networks:
            best = min(STEPS, key=lambda step: _mean(errors[step], cells, network, without=True))
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


def _errors(name: str, value: float, cells: Sequence[Cell]) -> list[float]:
    with constant(name, value):
        return [abs(active_cycles(folder() / "streams" / cell.stream, cell.memory) / cell.published - 1) for cell in cells]


def _network(cell: Cell) -> str:
    return cell.model.split()[0]


def _mean(errors: Sequence[float], cells: Sequence[Cell], network: str, *, without: bool) -> float:
    """The mean error over all cells but the network's, or over the network's own."""
    kept = [error for error, cell in zip(errors, cells, strict=True) if (_network(cell) == network) != without]
    return statistics.mean(kept)
