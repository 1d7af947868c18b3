"""Which of the streams that a firmware gave the NPU are the model's: those of one inference, among others or alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import RunError
from targets.fvp.npu_device import StreamRun


@dataclass(frozen=True, kw_only=True)
class NpuWork:
    """One inference of a model on the NPU: its streams, which begin behind `first` others of the `all` that ran.

    `times` counts the model's inferences; this is the last of them.
    """

    runs: tuple[StreamRun, ...] = field(repr=False)
    first: int
    all: int
    times: int

    @property
    def others(self) -> int:
        """Streams of other models."""
        return self.all - self.times * len(self.runs)

    @property
    def commands(self) -> set[tuple[int, int]]:
        """What the NPU executed: the number of the `ethos-u` operator in the model's file, from 1, and a byte offset."""
        return {(number, executed.address) for number, run in enumerate(self.runs, 1) for executed in run.executed}

    def said(self, accesses: int) -> str:
        """What the NPU did, in words."""
        operations = [executed for run in self.runs for executed in run.executed]
        macs = sum(executed.macs for executed in operations)
        return (
            f"NPU behind {accesses} register accesses of the firmware's driver: {len(operations)} operations, "
            f"{macs / 1e9:.3f} GMAC in {len(self.runs)} streams"
        )


def find_work(runs: Sequence[StreamRun], streams: Sequence[bytes], *, alone: bool) -> NpuWork:
    """The model's last inference among all that the NPU ran; RunError without one, and when it should be `alone` and is not."""
    done = [run.stream for run in runs]
    at = _places(done, list(streams))
    if not at or (alone and len(done) != len(streams)):
        raise RunError(
            f"the firmware gave the NPU {len(done)} streams that are not those of the model in its order",
            f"the model's {len(streams)}, {'each once' if alone else 'one behind the other'}",
        )
    return NpuWork(runs=tuple(runs[at[-1] : at[-1] + len(streams)]), first=at[-1], all=len(done), times=len(at))


def _places(done: list[bytes], streams: list[bytes]) -> list[int]:
    """Where the model's streams begin in what was done, each inference once."""
    places, number, length = [], 0, len(streams)
    while length and number + length <= len(done):
        found = done[number : number + length] == streams
        places += [number] if found else []
        number += length if found else 1
    return places
