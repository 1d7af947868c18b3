"""The target `gdb:NAME`: a bare-metal board, or anything else, behind a GDB server; with proof by its NPU or not at all."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError, TargetUnavailable, UsageError
from core.files import sha256
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from ethosu_simulator.container import Container
from targets.boards.targets_file import find_gdb_board
from targets.fvp.log import RunnerLog
from targets.fvp.model_file import command_streams, only_input, output_bytes, output_tensors, read_compiled
from targets.fvp.npu_registers import PRODUCTS
from targets.gdb.client import REQUEST_S, Gdb
from targets.gdb.errors import GdbError
from targets.gdb.npu_registers import npu_counters, npu_state, prove
from targets.gdb.start import BoardStart
from targets.gdb.table import GdbBoard
from targets.kinds import TargetOptions
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self

NO_CLOCK = Unavailable("a debug port has no clock that could time an inference: the firmware's counters are in its log")


NO_CHIP = "nothing names this board's chip (`device_id`): it may be an emulator"


@dataclass(frozen=True, kw_only=True)
class Started:
    """What came of one start: outputs, log, proof, counters, and whether the chip named itself."""

    outputs: tuple[NDArray[Any], ...] = field(repr=False)
    log: str
    proof: Proof
    silicon: bool
    counters: dict[str, int]
    notes: tuple[str, ...]


@dataclass
class GdbTarget(Target):
    """One board; a connection is made for each start, and no processor is left halted at our breakpoints."""

    name: str
    board: GdbBoard
    options: TargetOptions
    _: KW_ONLY
    graph: Graph = "npu"

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The board called `rest` in the targets file; UsageError when there is none, or its firmware lacks a place."""
        if not rest:
            raise UsageError("target `gdb` names no board", "`gdb:NAME` with `[gdb.NAME]` in targets.toml", "--target gdb:e7")
        board = find_gdb_board(rest, options.targets_file)
        for place in (board.model, board.input, board.output, board.stop, board.npu):
            board.address(place)
        return cls(f"gdb:{rest}", board, options)

    def __enter__(self) -> Self:
        """See that the server answers; TargetUnavailable when it does not."""
        try:
            with Gdb.connect(self.board.server, self.board.connect_s) as gdb:
                gdb.register("pc")
        except GdbError as error:
            raise TargetUnavailable(f"{self.name}: {error.found}", error.expected) from error
        return self

    def run(self, job: Job) -> Run:
        """The job's outputs with what the NPU's registers prove; RunError for everything that went otherwise."""
        artefact, what = job.artefact, job.artefact.variant
        content, container = read_compiled(artefact)
        profile = artefact.compilation.profile
        if self.board.profile and self.board.profile != profile.name:
            raise RunError(f"`{what}` is compiled for {profile.name}, {self.name} has {self.board.profile}", self.board.profile)
        started = []
        for feed in job.feeds:
            image = only_input(container, feed, what)
            started.append(self._start(artefact, content, container, np.ascontiguousarray(image).tobytes()))
            self.options.progress(f"{self.name}: {len(started)} of {len(job.inputs)} images")
        first, silicon = started[0], all(one.silicon for one in started)
        return Run(
            target=self.name,
            evidence=Evidence.MEASURED if silicon else Evidence.HOST,
            fingerprint=self._fingerprint(),
            executed=artefact.compilation.compiled.sha256,
            outputs=tuple(one.outputs for one in started),
            latency_us=NO_CLOCK,
            proof=first.proof,
            npu_time_share=_time_share(first.counters),
            peak_memory_bytes=Unavailable("a firmware without an operating system does not say"),
            counters=first.counters,
            notes=(*first.notes, *(() if silicon else (NO_CHIP,))),
            log="\n".join(one.log for one in started),
        )

    def _start(self, artefact: Artefact, content: bytes, container: Container, given: bytes) -> Started:
        """One start on the bytes of one input, and what the NPU's registers say afterwards."""
        longest = max(map(len, command_streams(container)), default=0) + 4
        npu = self.board.address(self.board.npu)
        with self._connected(artefact.variant) as gdb:
            start = BoardStart(gdb, self.board, artefact.variant)
            left = start.run(content, given, output_bytes(container))
            proof = prove(npu_state(gdb, npu, longest), artefact, container)
            counters, where = _counters(left.log), "the firmware's log"
            if not counters and self.board.pmu and artefact.compilation.profile.npu in PRODUCTS:
                counters, where = npu_counters(gdb, npu), "the NPU's registers"
            silicon = self._is_silicon(gdb)
            start.leave()
        notes = [f"counters: out of {where}"] if counters else []
        if start.unwatched:
            notes.append(f"no breakpoint was left for {', '.join(start.unwatched)}: a run that ends there is a hang")
        return Started(
            outputs=output_tensors(left.outputs, container), log=left.log, proof=proof, silicon=silicon, counters=counters,
            notes=tuple(notes),
        )  # fmt: skip

    def _connected(self, what: str) -> Gdb:
        try:
            return Gdb.connect(self.board.server, self.board.connect_s, request_s=min(REQUEST_S, self.board.seconds))
        except GdbError as error:
            raise type(error)(f"`{what}` on {self.name}: {error.found}", error.expected) from error

    def _is_silicon(self, gdb: Gdb) -> bool:
        """Whether the board's chip is the one that the table names."""
        if self.board.device_id_at is None or self.board.device_id is None:
            return False
        found, named = gdb.word(self.board.address(self.board.device_id_at)), int(self.board.device_id, 16)
        if found != named:
            raise RunError(f"the chip of {self.name} names itself 0x{found:08x}", f"0x{named:08x} (`device_id`)")
        return True

    def _fingerprint(self) -> dict[str, str]:
        firmware = Path(self.board.firmware)
        return {
            "server": self.board.server,
            "firmware": f"{firmware.name} {sha256(firmware.read_bytes())}",
            "chip": self.board.device_id or "not named",
        }


def _counters(log: str) -> dict[str, int]:
    """The counters in a log of Arm's evaluation kit, as far as they counted anything."""
    heard = RunnerLog()
    for line in log.splitlines():
        heard.listen(line)
    found = heard.inferences[-1].counters() if "<metrics>" in log else {}
    return found if any(found.values()) else {}


def _time_share(counters: dict[str, int]) -> float | Unavailable:
    active, total = counters.get("active_cycles"), counters.get("total_cycles")
    if active is None or not total:
        return Unavailable("the firmware counted no active and total cycles of the NPU")
    return active / total
