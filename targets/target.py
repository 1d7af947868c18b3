"""What a target promises. tests/contract/test_target.py holds every promise against every target."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol, runtime_checkable

from core.records.artefact import Artefact
from core.records.job import Job
from core.records.memory_shortfall import MemoryShortfall
from core.records.profile import Profile
from core.records.run import Run

Graph = Literal["int8", "npu"]


class Target(AbstractContextManager["Target"], Protocol):
    """Something that runs artefacts; a context manager, so that it can hold a link or a board.

    Promises: `run` gives one output tuple per input in the model's order and dtype; as many latency samples as `repeats`
    asks for, or an Unavailable with a reason; evidence that names what really ran; `executed` is the SHA-256 of the file
    that ran; a failure is RunError or TargetUnavailable, never a half Run; nothing falls back to another target.
    """

    name: str
    graph: Graph
    """Which file of an artefact it runs: the int8 source file or the one compiled for the NPU."""

    def run(self, job: Job) -> Run:
        """What came back from one job."""
        ...


@runtime_checkable
class PlatformTarget(Protocol):
    """A target that models a platform by one of several engines, and knows what fits there before anything runs."""

    def engine(self, profile: Profile) -> str:
        """Which engine runs a profile; TargetUnavailable when it was forced and is not there."""
        ...

    def describe(self, profile: Profile) -> str:
        """One line on what will run a profile."""
        ...

    def shortfalls(self, artefact: Artefact) -> tuple[MemoryShortfall, ...]:
        """Each memory region that is too small for a model, known before anything runs; empty when it fits."""
        ...
