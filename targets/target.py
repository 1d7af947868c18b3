"""What a target promises. tests/contract/test_target.py holds every promise against every target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Literal

from core.records.artefact import Artefact
from core.records.job import Job
from core.records.memory_shortfall import MemoryShortfall
from core.records.profile import Profile
from core.records.run import Run
from targets.memory_budget import budget_shortfalls

if TYPE_CHECKING:
    from typing_extensions import Self

    from targets.kinds import TargetOptions

Graph = Literal["int8", "npu"]


class Target(ABC):
    """Something that runs artefacts; a context manager, so that it can hold a link or a board.

    Promises: `run` gives one output tuple per input in the model's order and dtype; as many latency samples as `repeats`
    asks for, or an Unavailable with a reason; evidence that names what really ran; `executed` is the SHA-256 of the file
    that ran; a failure is RunError or TargetUnavailable, never a half Run; nothing falls back to another target.

    A kind of target says how it is named (`from_spec`) and how it runs a job (`run`). The rest has a default, which suits a
    target that has one engine, models no platform, and holds nothing between jobs.
    """

    name: str
    """As it was asked for on the command line."""
    graph: Graph
    """Which file of an artefact it runs: the int8 source file or the one compiled for the NPU."""
    must_fit: ClassVar[bool] = False
    """Whether it refuses a model that has a shortfall, which is then known before anything runs."""
    can_record: ClassVar[bool] = False
    """Whether it is a board, whose answers `--record` keeps."""

    @classmethod
    @abstractmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Target:
        """The target that `KIND:rest` names, not entered yet; UsageError for a `rest` that names none."""

    @classmethod
    def preferred_vela(cls, rest: str, options: TargetOptions) -> str:
        """The Vela executable that `KIND:rest` asks for, "" for any: a board may not take the streams of a newer one."""
        return ""

    def __enter__(self) -> Self:
        """Take hold of what jobs need; TargetUnavailable when it is not there."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go of it."""
        return

    @abstractmethod
    def run(self, job: Job) -> Run:
        """What came back from one job."""

    @property
    def recorded_as(self) -> str:
        """The target's name in records: its own, unless it answers in the place of another."""
        return self.name

    def engine(self, profile: Profile) -> str:
        """Which of its engines runs a profile, "" when it has only one; TargetUnavailable when a forced one is not there."""
        return ""

    def describe(self, profile: Profile) -> str:
        """One line on what will run a profile, "" when there is nothing to choose."""
        return ""

    def shortfalls(self, artefact: Artefact) -> tuple[MemoryShortfall, ...]:
        """Each memory region that is too small for a model, known before anything runs; empty when it fits."""
        return budget_shortfalls(artefact.compilation)
