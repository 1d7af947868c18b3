"""A recorded board: everything that it said goes the same way again, through the same checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import RunError, UsageError
from core.records.job import Job
from core.records.run import Run
from targets.boards.job_files import artefact_file, raw_inputs
from targets.boards.proof import BoardRun
from targets.boards.recording import Recording, job_key
from targets.kinds import TargetOptions
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class Replay(Target):
    """Answers jobs from a recording, in the place of the board that was recorded."""

    name: str
    recording: Recording
    graph: Graph = field(init=False)

    def __post_init__(self) -> None:
        self.graph = self.recording.board.graph

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The recording in the folder `rest`."""
        if not rest:
            raise UsageError(
                "target `replay` names no folder", "`replay:DIR` as --record DIR wrote it", "--target replay:recorded"
            )
        return cls(f"replay:{rest}", Recording.read(Path(rest)))

    @property
    def recorded_as(self) -> str:
        """The name of the board that was recorded."""
        return self.recording.target

    def run(self, job: Job) -> Run:
        """The Run that the recorded board gave; RunError when it failed then, too, or the job is not in the recording."""
        file = artefact_file(job.artefact, self.graph)
        key = job_key(file.sha256, raw_inputs(job.feeds), job.repeats, job.warmup)
        kept = self.recording.give(key, f"`{file.path}`")
        if kept.error or kept.npu is None:
            raise kept.error or RunError(f"the recording of `{file.path}` has no run")
        ran = BoardRun(
            name=self.name, board=kept.board, facts=kept.facts, artefact=job.artefact, executed=file.sha256,
            npu=kept.npu, cpu=kept.cpu, threads=kept.threads, notes=kept.notes,
        )  # fmt: skip
        ran.require_complete(len(job.inputs), job.repeats)
        return ran.run()
