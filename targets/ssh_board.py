"""A board over SSH: Vela's file (or the plain one for Teflon) through the board's delegate, with proof or not at all."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from core.errors import RunError, TargetUnavailable, UsageError
from core.records.artefact import ModelFile
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.boards.benchmark_model import BenchmarkModel
from targets.boards.execution import Execution
from targets.boards.job_files import RawInput, artefact_file, raw_inputs
from targets.boards.link import Link, LinkLost
from targets.boards.preflight import BoardFacts, ask_board, require_ready, runs_benchmark_model
from targets.boards.proof import BoardRun
from targets.boards.recording import RecordedJob, Recording, job_key
from targets.boards.targets_file import Board, find_board
from targets.kinds import TargetOptions
from targets.target import Graph, Target
from targets.transcript import Transcript

if TYPE_CHECKING:
    from typing_extensions import Self

CPU_REPEATS = 10
POWER_S = 120.0


@dataclass
class SshBoard(Target):
    """One board with its link; connected while entered."""

    can_record: ClassVar[bool] = True
    name: str
    board: Board
    options: TargetOptions
    _: KW_ONLY
    graph: Graph = field(init=False)
    link: Link = field(init=False)
    facts: BoardFacts = field(init=False)
    notes: tuple[str, ...] = ()
    switch: Callable[[], object] | None = None
    """Switches the board off and on; default its power command."""
    user: str = ""
    port: int = 0
    lost: tuple[float, ...] = ()
    """Samples that arrived from another board before the job moved here."""
    kind: Board | None = None
    """How boards of this kind are described, where an address of the farm's stands in `board`."""

    def __post_init__(self) -> None:
        self.link = Link(self.name, self.board, self.options.trust_on_first_use, port=self.port, user=self.user)
        self.switch = self.switch or (self.power_cycle if self.board.power else None)
        self.graph = self.board.graph
        self._cpu: dict[tuple[str, int], Transcript] = {}

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The board called `rest` in the targets file, not connected yet."""
        if not rest:
            raise UsageError("target `ssh` names no board", "`ssh:NAME` with NAME in targets.toml", "--target ssh:imx93")
        return cls(f"ssh:{rest}", find_board(rest, options.targets_file), options)

    @classmethod
    def preferred_vela(cls, rest: str, options: TargetOptions) -> str:
        """The Vela that the board's table asks for: a board support package may not take streams of a newer one."""
        return find_board(rest, options.targets_file).vela

    def __enter__(self) -> Self:
        """Connect and check; TargetUnavailable when the board is not there or not ready."""
        try:
            self.connect()
        except TargetUnavailable:
            if self.switch is None:
                raise
            self.switch()
            self.link.reopen(time.monotonic() + self.board.reconnect_s)
            self._check()
        return self

    def connect(self) -> None:
        """Open the link and check the board."""
        self.link.open()
        self._check()

    def _check(self) -> None:
        try:
            self.facts = ask_board(self.link)
            require_ready(self.name, self.board, self.facts)
        except LinkLost as error:
            self.link.close()
            raise TargetUnavailable(f"{self.name} cannot be reached: {error}", "a board that answers") from error
        except BaseException:
            self.link.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.link.close()

    def run(self, job: Job) -> Run:
        """What the board did, with proof that its NPU executed; RunError without."""
        profile = job.artefact.compilation.profile
        self._require_profile(profile.name, profile.accelerator_config)
        file = artefact_file(job.artefact, self.graph)
        try:
            with self._ended_jobs():
                ran = self._run(job, file)
        except RunError as error:
            self._record(job, file, None, error)
            raise
        self._record(job, file, ran, None)
        return ran.run()

    def _run(self, job: Job, file: ModelFile) -> BoardRun:
        inputs = raw_inputs(job.feeds)
        npu = self._execute(file, inputs, job.repeats, job.warmup, on_npu=True)
        ran = BoardRun(
            name=self.name, board=self.described, facts=self.facts, artefact=job.artefact, executed=file.sha256,
            npu=npu, cpu=Unavailable("not asked for"), threads=self.threads, notes=self.notes,
        )  # fmt: skip
        ran.require_complete(len(job.inputs), job.repeats)
        ran.run()  # without proof there is nothing to compare with the CPU
        return replace(ran, cpu=self._cpu_run(job.artefact.source, inputs[:1], min(job.repeats, CPU_REPEATS)))

    def _record(self, job: Job, file: ModelFile, ran: BoardRun | None, error: RunError | None) -> None:
        """Keep what the board said, when that was asked for."""
        if self.options.record is None:
            return
        key = job_key(file.sha256, raw_inputs(job.feeds), job.repeats, job.warmup)
        cpu = ran.cpu if ran else Unavailable("the run failed")
        kept = RecordedJob(
            board=self.described, facts=self.facts, threads=self.threads, notes=self.notes,
            npu=ran.npu if ran else None, cpu=cpu, error=error,
        )  # fmt: skip
        Recording.begin(self.options.record, self.name, self.described).keep(key, kept)

    @property
    def described(self) -> Board:
        """The board as its table has it: the same for every board of a kind."""
        return self.kind or self.board

    @property
    def threads(self) -> int:
        """Threads of the CPU operators on the board."""
        return self.board.threads or self.options.threads

    def _cpu_run(self, source: ModelFile, inputs: list[RawInput], repeats: int) -> Transcript | Unavailable:
        """The plain int8 file on the board's CPU, once per session; why not, when it does not run there."""
        if not repeats:
            return Unavailable("no repeats were asked for")
        key = (source.sha256, repeats)
        if key not in self._cpu:
            try:
                self._cpu[key] = self._execute(source, inputs, repeats, 1, on_npu=False)
            except RunError as error:
                return Unavailable(f"the plain int8 file does not run on the board's CPU: {error.found}")
        return self._cpu[key]

    def _execute(self, file: ModelFile, inputs: list[RawInput], repeats: int, warmup: int, *, on_npu: bool) -> Transcript:
        binary = runs_benchmark_model(self.board, self.facts)
        execution = Execution(
            link=self.link, work=self.facts.first("work"), model=file, inputs=inputs, repeats=repeats, warmup=warmup,
            threads=self.threads, on_npu=on_npu, journal=self.options.journal, revive=self.switch,
            runtime=self.board.runtime if binary or self.board.runtime != "auto" else self.facts.runtimes[0],
            lost=list(self.lost) if on_npu else [],
        )  # fmt: skip
        if not binary:
            return execution.run()
        device = {"character": "character device", "other": "no character device"}.get(self.facts.first("device"), "absent")
        try:
            return BenchmarkModel(execution, device, self.facts.first("driver")).run()
        except LinkLost as error:
            raise RunError(f"{self.name} was lost while it ran `{file.path}`: {error}") from error

    def _require_profile(self, profile: str, accelerator: str) -> None:
        if self.board.profile and self.board.profile not in (profile, accelerator):
            raise RunError(
                f"{self.name} has the NPU {self.board.profile}, and the file is compiled for {profile}",
                f"--npu {self.board.profile}",
            )

    @contextlib.contextmanager
    def _ended_jobs(self) -> Iterator[None]:
        """Ctrl-C closes the link, upon which the runner on the board ends its job and removes its files."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            self.link.close()
            raise

    def power_cycle(self) -> None:
        """Run the board's power command; TargetUnavailable when it fails."""
        try:
            done = subprocess.run(self.board.power, capture_output=True, text=True, timeout=POWER_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TargetUnavailable(f"{self.name}: the power command does not run: {error}") from error
        if done.returncode:
            raise TargetUnavailable(f"{self.name}: the power command ended with {done.returncode}: {done.stderr.strip()[:200]}")
