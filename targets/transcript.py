"""Everything that a runner said about one job; what is recorded, replayed and read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from targets.event_checks import checked, is_time_us, tensor_bytes
from targets.runner.protocol import Alive, Event, Loaded, Output, Sample, TensorFacts, Waiting, event_of, read

E = TypeVar("E", bound=Event)

SIGNS_OF_LIFE = (Alive, Waiting)
MOST_EVENTS = 1000
"""Of a kind of which nobody asked for a number."""


@dataclass(kw_only=True)
class Transcript:
    """The events of a job in the order they came, and the files that came back.

    `lost` are the samples of earlier attempts, whose link broke: kept, and never part of a figure. `seconds` is how long the
    job took on our own clock. `asked` is how many samples and outputs were asked for: a runner that says more lies.
    """

    events: list[Event] = field(default_factory=list)
    asked: Mapping[type[Event], int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    _counts: Counter[type[Event]] = field(default_factory=Counter, repr=False, compare=False)

    def take(self, line: str) -> Event | None:
        """Take in one line and return its event; None for what is none (a library's banner), RunError for what cannot be."""
        event = read(line)
        if event is not None:
            self.say(event)
        return event

    def say(self, event: Event) -> None:
        """Take in an event; RunError for one that cannot be, or that nobody asked for any more."""
        try:
            checked(event)
        except ValueError as error:
            raise RunError(
                f"the runner says what cannot be: {error}", "events as targets/runner/protocol.py has them"
            ) from error
        kind = type(event)
        if kind in SIGNS_OF_LIFE:
            if not self.events or type(self.events[-1]) is not kind:  # once, however often it is repeated
                self.events.append(event)
            return
        self._counts[kind] += 1
        most = self.asked.get(kind, MOST_EVENTS)
        if self._counts[kind] > most:
            raise RunError(f"the runner said `{event.kind}` more than {most} times", "as much as was asked for")
        self.events.append(event)

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
        """The output tensors of every input, in the model's order, shape and dtype; RunError when they are not all there."""
        described, said = self.one(Loaded).outputs, sorted(self.all(Output), key=lambda event: event.input)
        if [event.input for event in said] != list(range(len(said))):
            raise RunError(f"the runner gave outputs of the inputs {[event.input for event in said][:20]}", "each input once")
        wrong = next((event for event in said if len(event.files) != len(described)), None)
        if wrong:
            raise RunError(
                f"the runner gave {len(wrong.files)} outputs of input {wrong.input}", f"{len(described)}, as the file has"
            )
        return tuple(
            tuple(self._tensor(name, tensor) for name, tensor in zip(event.files, described, strict=True)) for event in said
        )

    def output_sizes(self) -> dict[str, int]:
        """The bytes of every file that the runner says its outputs are in."""
        sizes = [tensor_bytes(tensor) for tensor in self.one(Loaded).outputs]
        return {name: size for event in self.all(Output) for name, size in zip(event.files, sizes, strict=False)}

    def _tensor(self, name: str, tensor: TensorFacts) -> NDArray[np.generic]:
        content = self.files.get(name, b"")
        if len(content) != tensor_bytes(tensor):
            raise RunError(
                f"the runner's `{name}` has {len(content)} bytes", f"{tensor_bytes(tensor)}, as its shape and type say"
            )
        return np.frombuffer(content, dtype=tensor.dtype).reshape(tensor.shape)

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
        said = cls(files=files, lost=list(content["lost"]), notes=list(content["notes"]), seconds=content["seconds"])
        said.events = [checked(event_of(facts)) for facts in content["events"]]
        if not all(map(is_time_us, said.lost)) or not 0 <= said.seconds < math.inf:
            raise ValueError("times that are none")
        if not all(isinstance(note, str) for note in said.notes):
            raise ValueError("notes that are no text")
        return said
