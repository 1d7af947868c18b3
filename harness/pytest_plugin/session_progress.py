"""How far a session is: its stage, which model of how many, and how long the rest may take."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.cache import cache_root
from core.files import write_whole

REMEMBERED = "stage-seconds.json"
MINUTE_S = 60


@dataclass(frozen=True)
class Step:
    """One test as progress sees it: the title of its stage, and its model ("" for a statement about all of them)."""

    stage: str
    model: str = ""


@dataclass
class SessionProgress:
    """The steps of a session, what each stage has taken so far, and what a test of it took in an earlier session."""

    steps: Sequence[Step]
    models: Sequence[str]
    remembered: Mapping[str, float] = field(default_factory=dict)
    _done: Counter[str] = field(default_factory=Counter)
    _seconds: dict[str, float] = field(default_factory=dict)

    def finished(self, step: Step, seconds: float) -> None:
        """Count a test that took so long."""
        self._done[step.stage] += 1
        self._seconds[step.stage] = self._seconds.get(step.stage, 0.0) + seconds

    def where(self, step: Step, *, short: bool = False) -> str:
        """Stage, model and time left: `execution, model 2 of 7, about 3 min left`, or short `execution 2/7, ~3 min`."""
        number = self.models.index(step.model) + 1 if step.model in self.models else 0
        if short:
            place = f"{step.stage} {number}/{len(self.models)}" if number else step.stage
        else:
            place = f"{step.stage}, model {number} of {len(self.models)}" if number else step.stage
        left = self._left(short=short)
        return f"{place}, {left}" if left else place

    def means(self) -> dict[str, float]:
        """Seconds of a test in each stage that has begun."""
        return {stage: self._seconds[stage] / count for stage, count in self._done.items()}

    def _left(self, *, short: bool) -> str:
        """What the other tests take if they are as those of their stage were; "more than" where a stage is not known yet."""
        means = {**self.remembered, **self.means()}
        left = Counter(step.stage for step in self.steps) - self._done
        known = {stage: count * means[stage] for stage, count in left.items() if stage in means}
        seconds, all_known = sum(known.values()), len(known) == len(left)
        if seconds < 1:
            return ""
        if short:
            return f"{'~' if all_known else '>'}{duration(seconds)}"
        return f"{'about' if all_known else 'more than'} {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds as a person says them: `40 s`, `3 min`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    hours, minutes = divmod(round(seconds / MINUTE_S), MINUTE_S)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def remembered_means() -> dict[str, float]:
    """Seconds of a test in each stage of the last session on this computer; nothing where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        content = json.loads((cache_root() / REMEMBERED).read_text("utf-8"))
        return {str(stage): float(seconds) for stage, seconds in content.items() if float(seconds) >= 0}
    return {}


def remember_means(means: Mapping[str, float]) -> None:
    """Keep them for the next session; a cache that cannot be written is no reason to fail."""
    with contextlib.suppress(OSError):
        write_whole(cache_root() / REMEMBERED, json.dumps({**remembered_means(), **means}))
