"""Boards of a labgrid farm: each job takes a board with the tags asked for, and gives it back."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from core.errors import RunError, TargetUnavailable, UsageError
from core.records.job import Job
from core.records.run import Run
from targets.boards.execution import SamplesLost
from targets.boards.farm_lease import FarmAgent, FarmRefused, Lease
from targets.boards.proof import NoProof
from targets.boards.targets_file import Board, find_board
from targets.kinds import TargetOptions
from targets.ssh_board import SshBoard
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self

SET_ASIDE_AFTER = 2
ATTEMPTS = 5
EXPORTER_S = 60.0
"""How long exporters may need to come back: they end when their coordinator does, and a service manager starts them anew."""
EMPTY_EVERY_S = 1.0
JOURNAL = "farm.jsonl"


@dataclass
class Farm(Target):
    """Takes a place for each job, so that several harnesses share the farm; a board that fails twice is set aside."""

    can_record: ClassVar[bool] = True
    name: str
    tags: dict[str, str]
    options: TargetOptions
    graph: Graph = field(init=False)
    failures: Counter[str] = field(init=False, default_factory=Counter)

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The farm's boards with the tags in `rest`, such as "npu=ethos-u65,board=imx93"."""
        tags = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
        if not tags or len(tags) != len(rest.split(",")):
            raise UsageError(f"target `farm:{rest}`", "`farm:KEY=VALUE,...`: the tags of a place", "--target farm:board=imx93")
        return cls(f"farm:{rest}", tags, options)

    def __enter__(self) -> Self:
        """Ask the coordinator what there is; TargetUnavailable at once when no place can ever fit."""
        self._agent = FarmAgent(self.name)
        try:
            places = self._agent.ask("places")["places"]
            fitting = {name: place["tags"] for name, place in places.items() if self.tags.items() <= place["tags"].items()}
            if not fitting:
                known = "; ".join(" ".join(f"{key}={tag}" for key, tag in sorted(p["tags"].items())) for p in places.values())
                raise TargetUnavailable(
                    f"{self.name}: no place of the farm has these tags", f"one of {known or 'none: the farm is empty'}",
                    "labgrid-client places",
                )  # fmt: skip
            self._boards = {name: self._board(name, tags) for name, tags in fitting.items()}
            graphs = {board.graph for board in self._boards.values()}
            if len(graphs) > 1:
                raise UsageError(f"{self.name} fits boards of both kinds, ethosu and teflon", "tags of one kind of board")
            self.graph = graphs.pop()
        except BaseException:
            self._agent.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._agent.close()

    def run(self, job: Job) -> Run:
        """The Run of the first board that could do the job, with what had arrived from others; else the last one's error."""
        failure: TargetUnavailable | RunError | None = None
        lost: tuple[float, ...] = ()
        notes: tuple[str, ...] = ()
        for _ in range(ATTEMPTS):
            try:
                place = self._lease()
            except FarmRefused:
                if failure is None:
                    raise
                break
            try:
                return self._run(job, place, notes, lost)
            except (TargetUnavailable, SamplesLost, NoProof) as error:
                failure = error
                if isinstance(error, RunError) and error.samples:
                    lost = error.samples
                notes += (f"place {place.place} failed: {error.found}",)
                self._failed(place.place, error.found)
            finally:
                with contextlib.suppress(FarmRefused):  # the agent tries again when we end
                    self._agent.ask("release")
        assert failure
        raise failure

    def _run(self, job: Job, place: Lease, notes: tuple[str, ...], lost: tuple[float, ...]) -> Run:
        board = self._boards.get(place.place) or self._board(place.place, place.tags)
        switch = (lambda: self._agent.ask("power")) if place.power else None
        here = board.model_copy(update={"host": place.address})
        said = (f"ran on place {place.place}", *notes)
        target = SshBoard(
            self.name, here, self.options,
            notes=said, switch=switch, user=place.username, port=place.port, lost=lost, kind=board,
        )  # fmt: skip
        with target:
            return target.run(job)

    def _board(self, place: str, tags: dict[str, str]) -> Board:
        """How boards of a place's kind are described: its tag `board` names the table, without one its own name."""
        return find_board(tags.get("board", place), self.options.targets_file)

    def _lease(self) -> Lease:
        """A place with a board; places without one are passed over, and asked again when all are."""
        avoid = [name for name, count in self._counted().items() if count >= SET_ASIDE_AFTER]
        wait_s = max(board.wait_s for board in self._boards.values())
        until = time.monotonic() + min(wait_s, EXPORTER_S)
        empty: dict[str, FarmRefused] = {}
        while True:
            try:
                taken = Lease(**self._agent.ask("acquire", tags=self.tags, wait_s=wait_s, avoid=[*avoid, *empty]))
                break
            except FarmRefused as error:
                if error.kind == "empty":
                    empty[error.place] = error
                elif error.kind != "none" or not empty:
                    raise
                elif time.monotonic() > until:
                    self._passed_over(empty)
                    raise next(reversed(empty.values())) from error
                else:
                    empty.clear()
                    time.sleep(EMPTY_EVERY_S)
        self._passed_over(empty)
        return taken

    def _passed_over(self, empty: dict[str, FarmRefused]) -> None:
        """Count a failure of each place without a board."""
        for name, error in empty.items():
            self._failed(name, error.found)

    def _failed(self, place: str, why: str) -> None:
        """Count a failure of a board, for all processes of the session."""
        self.failures[place] += 1
        if self.options.journal:
            self.options.journal.mkdir(parents=True, exist_ok=True)
            with (self.options.journal / JOURNAL).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"place": place, "why": why}) + "\n")

    def _counted(self) -> Counter[str]:
        """Failures by place, of this process or of all that share a journal."""
        path = self.options.journal / JOURNAL if self.options.journal else None
        if path is None or not path.exists():
            return self.failures
        return Counter(json.loads(line)["place"] for line in path.read_text("utf-8").splitlines())
