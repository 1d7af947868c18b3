"""False-alarm rate and power of the verdicts: simulated under several kinds of noise, and on real A/A pairs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.statistics.change_points import change_points
from harness.statistics.interleaved import ROUNDS
from harness.statistics.shift import BOUND, FEWEST_RUNS, Shift, rounds_shift, runs_shift

REPEATS = 50
SHIFT = 0.03
LEVEL_US = 20_000.0
RUNS_IN_HISTORY = 24

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator], Floats]
"""Relative latencies of a pair: (2, rounds, samples), 1 on average or nearly."""


@dataclass(frozen=True)
class Rate:
    """How often something happened: `count` of `of`."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{100 * self.count / self.of:.1f} % ({self.count} of {self.of})" if self.of else "-"


@dataclass(frozen=True)
class Rates:
    """One line of the table: what the noise is, its coefficient of variation, and what the verdicts make of it.

    `alarms`: faster or slower where nothing differs; `seen`: slower where the second is SHIFT slower; `equivalent`: said so
    where nothing differs.
    """

    noise: str
    variation: float
    alarms: Rate
    seen: Rate
    equivalent: Rate
    detectable: float


def _shape() -> tuple[int, int, int]:
    return 2, ROUNDS, REPEATS // ROUNDS


def gaussian(variation: float) -> Noise:
    """Independent samples."""
    return lambda random: 1 + variation * random.standard_normal(_shape())


def heavy_tailed(variation: float) -> Noise:
    """Independent samples, one in twenty up to half as long again: an interrupt, another process."""

    def noise(random: np.random.Generator) -> Floats:
        outliers = (random.random(_shape()) < 0.05) * random.random(_shape()) * 0.5
        found: Floats = 1 + variation * random.standard_normal(_shape()) + outliers
        return found

    return noise


def drifting(variation: float) -> Noise:
    """Independent samples on a drift of 10 % over the pair: a board that gets warm. Both of a round meet the same drift."""

    def noise(random: np.random.Generator) -> Floats:
        drift = np.linspace(0, 0.1, ROUNDS)[None, :, None]
        found: Floats = 1 + drift + variation * random.standard_normal(_shape())
        return found

    return noise


def uneven_turns(variation: float) -> Noise:
    """Samples of one turn share a level of their own: memory layout, frequency. Half of the variance each."""

    def noise(random: np.random.Generator) -> Floats:
        turns = random.standard_normal((2, ROUNDS, 1))
        found: Floats = 1 + variation * np.sqrt(0.5) * (turns + random.standard_normal(_shape()))
        return found

    return noise


KINDS: Mapping[str, Callable[[float], Noise]] = {
    "independent": gaussian,
    "one sample in twenty up to 50 % longer": heavy_tailed,
    "drift of 10 %": drifting,
    "turns with levels of their own": uneven_turns,
}
VARIATIONS = (0.005, 0.01, 0.02, 0.03, 0.05)


def simulated(kind: str, variation: float, pairs: int, seed: int = 0) -> Rates:
    """The rates under one kind of noise, over simulated pairs."""
    random = np.random.default_rng(seed)
    noise = KINDS[kind](variation)
    return rates(kind, [LEVEL_US * noise(random) for _ in range(pairs)], variation)


def rates(name: str, pairs: Sequence[Floats], variation: float | None = None) -> Rates:
    """The rates over A/A pairs (2, rounds, samples); for power the second of each is made SHIFT slower."""
    equal = [rounds_shift(*pair.tolist()) for pair in pairs]
    slower = [rounds_shift(pair[0].tolist(), (pair[1] * (1 + SHIFT)).tolist()) for pair in pairs]
    own = float(np.median([pair[side].std() / pair[side].mean() for pair in pairs for side in (0, 1)]))
    return Rates(
        noise=name,
        variation=own if variation is None else variation,
        alarms=_rate(equal, "faster", "slower"),
        seen=_rate(slower, "slower"),
        equivalent=_rate(equal, "equivalent"),
        detectable=float(np.median([shift.detectable for shift in equal])),
    )


def _rate(shifts: Sequence[Shift], *verdicts: str) -> Rate:
    return Rate(sum(shift.verdict in verdicts for shift in shifts), len(shifts))


def read_pairs(file: Path) -> list[Floats]:
    """The pairs that `collect` appended; a last line that was cut is left out."""
    pairs = []
    for line in file.read_text("utf-8").splitlines():
        try:
            content: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        pairs.append(np.array([content["first"], content["second"]]))
    return pairs


def variation_of(pair: Floats) -> float:
    """The larger coefficient of variation of the two."""
    return float(max(side.std() / side.mean() for side in pair))


def run_verdicts(spread: float, histories: int, seed: int = 0) -> tuple[Rate, Rate]:
    """(false alarms, detections of SHIFT) of two whole runs against a history of FEWEST_RUNS, runs differing by `spread`."""
    random = np.random.default_rng(seed)
    alarms = seen = 0
    for _ in range(histories):
        medians = LEVEL_US * np.exp(spread * random.standard_normal(FEWEST_RUNS + 2))
        alarms += runs_shift(medians[0], medians[1], medians[2:].tolist(), BOUND).verdict in ("faster", "slower")
        seen += runs_shift(medians[0], medians[1] * (1 + SHIFT), medians[2:].tolist(), BOUND).verdict == "slower"
    return Rate(alarms, histories), Rate(seen, histories)


def change_point_rates(spread: float, histories: int, seed: int = 0) -> tuple[Rate, Rate, Rate]:
    """(false alarms, a step of SHIFT found, found at the very run) in histories of RUNS_IN_HISTORY, the step in the middle."""
    random = np.random.default_rng(seed)
    alarms = found = exact = 0
    middle = RUNS_IN_HISTORY // 2
    for number in range(histories):
        series = LEVEL_US * np.exp(spread * random.standard_normal(RUNS_IN_HISTORY))
        alarms += bool(change_points(series.tolist(), number))
        series[middle:] *= 1 + SHIFT
        points = change_points(series.tolist(), number)
        found += any(abs(point - middle) <= 2 for point in points)
        exact += middle in points
    return Rate(alarms, histories), Rate(found, histories), Rate(exact, histories)
