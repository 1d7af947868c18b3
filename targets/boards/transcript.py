"""Everything that a board said about one job; what is recorded, replayed and read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError


@dataclass
class Transcript:
    """The events of a job in the order they came, and the files that came back.

    `lost` are the samples of earlier attempts, whose link broke: kept, and never part of a figure. `seconds` is how long the
    job took on our own clock.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, line: str) -> str:
        """Take in one line and return the kind of event, "" for what is none (a library's banner)."""
        try:
            event = json.loads(line)
        except ValueError:
            return ""
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            return ""
        self.events.append(event)
        return str(event["event"])

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind."""
        return [event for event in self.events if event["event"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        """The last event of a kind; RunError when the board never said it."""
        found = self.all(kind)
        if not found:
            raise RunError(f"the board never said `{kind}`", "a run that reports its start, its results and its end")
        return found[-1]

    @property
    def samples(self) -> tuple[float, ...]:
        """Latency samples in microseconds, in the order they were taken."""
        return tuple(float(event["us"]) for event in self.all("sample"))

    def outputs(self) -> tuple[tuple[NDArray[np.generic], ...], ...]:
        """The output tensors of every input, in the model's order, shape and dtype."""
        described = self.one("loaded")["outputs"]
        return tuple(
            tuple(
                np.frombuffer(self.files[name], dtype=tensor["dtype"]).reshape(tensor["shape"])
                for name, tensor in zip(event["files"], described, strict=True)
            )
            for event in sorted(self.all("output"), key=lambda event: int(event["input"]))
        )
