"""Everything that a runner said about one job; what is recorded, replayed and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from targets.runner.protocol import Event, Loaded, Output, Sample, event_of, read

E = TypeVar("E", bound=Event)


@dataclass(kw_only=True)
class Transcript:
    """The events of a job in the order they came, and the files that came back.

    `lost` are the samples of earlier attempts, whose link broke: kept, and never part of a figure. `seconds` is how long the
    job took on our own clock.
    """

    events: list[Event] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, line: str) -> Event | None:
        """Take in one line and return its event; None for what is none (a library's banner)."""
        event = read(line)
        if event is not None:
            self.events.append(event)
        return event

    def hear(self, line: str) -> None:
        """Take in one line."""
        self.take(line)

    def all(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E | None:
        """The last event of a kind, None when there is none."""
        return next((event for event in reversed(self.events) if isinstance(event, kind)), None)

    def one(self, kind: type[E]) -> E:
        """The last event of a kind; RunError when the runner never said it."""
        found = self.last(kind)
        if found is None:
            raise RunError(f"the runner never said `{kind.kind}`", "a run that reports its start, its results and its end")
        return found

    @property
    def samples(self) -> tuple[float, ...]:
        """Latency samples in microseconds, in the order they were taken."""
        return tuple(float(event.us) for event in self.all(Sample))

    def outputs(self) -> tuple[tuple[NDArray[np.generic], ...], ...]:
        """The output tensors of every input, in the model's order, shape and dtype."""
        described = self.one(Loaded).outputs
        return tuple(
            tuple(
                np.frombuffer(self.files[name], dtype=tensor.dtype).reshape(tensor.shape)
                for name, tensor in zip(event.files, described, strict=True)
            )
            for event in sorted(self.all(Output), key=lambda event: event.input)
        )

    def to_json(self) -> dict[str, object]:
        """Everything but the files' bytes, whose names are there."""
        return {
            "events": [event.to_json() for event in self.events],
            "files": sorted(self.files),
            "lost": self.lost,
            "notes": self.notes,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], files: dict[str, bytes]) -> Transcript:
        """The transcript that `to_json` wrote; KeyError, TypeError or ValueError when it is damaged."""
        events = [event_of(facts) for facts in content["events"]]
        return cls(events=events, files=files, lost=content["lost"], notes=content["notes"], seconds=content["seconds"])
