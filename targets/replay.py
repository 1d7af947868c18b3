"""A recorded board: everything that it said goes the same way again, through the same checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from core.errors import RunError, UsageError
from core.records.job import Job
from core.records.run import Run
from targets.boards.job_files import artefact_file, raw_inputs
from targets.boards.proof import BoardRun
from targets.boards.recording import Recording, job_key
from targets.kinds import TargetOptions
from targets.target import Graph


def open_replay(rest: str, options: TargetOptions) -> Replay:
    """The recording in the folder `rest`."""
    if not rest:
        raise UsageError("target `replay` names no folder", "`replay:DIR` as --record DIR wrote it", "--target replay:recorded")
    return Replay(f"replay:{rest}", Recording.read(Path(rest)))


@dataclass
class Replay:
    """Answers jobs from a recording; `replays` is the name of the board that was recorded."""

    name: str
    recording: Recording

    @property
    def replays(self) -> str:
        """The target whose records these are."""
        return self.recording.target

    @property
    def graph(self) -> Graph:
        """The file that the recorded board took."""
        return self.recording.board.graph

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is held."""

    def run(self, job: Job) -> Run:
        """The Run that the recorded board gave; RunError when it failed then, too, or the job is not in the recording."""
        file = artefact_file(job.artefact, self.graph)
        key = job_key(file.sha256, raw_inputs(job.inputs), job.repeats, job.warmup)
        kept = self.recording.give(key, f"`{file.path}`")
        if kept.error or kept.npu is None:
            raise kept.error or RunError(f"the recording of `{file.path}` has no run")
        ran = BoardRun(
            self.name, kept.board, kept.facts, job.artefact, file.sha256, kept.npu, kept.cpu, kept.threads, kept.notes
        )
        ran.require_complete(len(job.inputs), job.repeats)
        return ran.run()
