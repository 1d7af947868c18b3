"""What a target promises. tests/contract/test_target.py holds every promise against every target."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol

from harness.records.job import Job
from harness.records.run import Run

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
