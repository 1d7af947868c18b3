"""How a case stands to a threshold: met, missed, or open, which a figure that is missing or uncertain leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from core.metrics import ACCURACIES, BY_NAME
from core.records.case_key import CaseKey
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from core.toml_file import read_toml
from harness.acceptance.thresholds import AcceptanceFile, Threshold, answer, parse_threshold

DEFAULT = Path(__file__).parents[2] / "benchmarks" / "acceptance" / "default.toml"
State = Literal["met", "missed", "open"]
ENDS = ("low", "high")


@dataclass(frozen=True)
class Standing:
    """A threshold with what came of it; `found` holds both numbers, or why there is none."""

    threshold: Threshold
    state: State
    found: str


@cache
def default_thresholds() -> tuple[Threshold, ...]:
    """What decides where no acceptance file was given, for no case yet."""
    content = read_toml(DEFAULT, AcceptanceFile, "acceptance file")
    return tuple(parse_threshold(text) for table in content.accept for text in table.require)


def standings(case: CaseKey, figures: Mapping[FigureKey, Measurement]) -> tuple[Standing, ...]:
    """How a case stands to each of the default thresholds; of what a task yields, only to those of the case's own."""
    own = _task(case, figures)
    asked = [threshold for threshold in default_thresholds() if BY_NAME[threshold.metric].task in ("", own)]
    return tuple(stand(of_case(threshold, case), figures) for threshold in asked)


def _task(case: CaseKey, figures: Mapping[FigureKey, Measurement]) -> str:
    """The task that a case's figures are of; detection where they are of none."""
    named = {key.metric for key in figures if key.case == case}
    return BY_NAME[next((metric for metric in ACCURACIES if metric in named), ACCURACIES[0])].task


def of_case(threshold: Threshold, case: CaseKey) -> Threshold:
    """The threshold for a case."""
    return replace(threshold, variant=case.variant, build=case.build, profile=case.profile, target=case.target)


def stand(threshold: Threshold, figures: Mapping[FigureKey, Measurement]) -> Standing:
    """How the figure of a threshold's case stands to it; one with an interval by both of its ends."""
    figure = figures.get(threshold.key)
    found = answer(threshold, [figure] if figure else [])
    if figure is None or isinstance(figure.value, Unavailable) or (threshold.evidence not in ("", figure.evidence)):
        return Standing(threshold, "open", found.found)
    if not threshold.stat and set(ENDS) <= set(BY_NAME[threshold.metric].stats):
        return _by_interval(threshold, figures, found.found)
    told = f"{found.found}; {figure.note}" if figure.note and not found.met else found.found
    return Standing(threshold, "met" if found.met else "missed", told)


def _by_interval(threshold: Threshold, figures: Mapping[FigureKey, Measurement], found: str) -> Standing:
    ends = [figures.get(replace(threshold.key, stat=end)) for end in ENDS]
    numbers = [end.number for end in ends if end and end.number is not None]
    if len(numbers) != len(ENDS):
        return Standing(threshold, "open", f"{found}; it has no interval")
    told = f"{found}; 95 % interval {numbers[0]:+.4f} to {numbers[1]:+.4f}"
    held = {threshold.holds(number) for number in numbers}
    return Standing(threshold, "open" if len(held) > 1 else "met" if True in held else "missed", told)
