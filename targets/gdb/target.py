"""The target `gdb:NAME`: a bare-metal board, or anything else, behind a GDB server; with proof by its NPU or not at all."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import RunError, TargetUnavailable, UsageError
from core.files import sha256
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.boards.targets_file import find_gdb_board
from targets.fvp.log import RunnerLog
from targets.fvp.model_file import command_streams, output_bytes, output_tensors, read_compiled, require_input
from targets.gdb.client import REQUEST_S, Gdb
from targets.gdb.errors import GdbError
from targets.gdb.npu_registers import npu_state, prove
from targets.gdb.start import BoardStart
from targets.gdb.table import GdbBoard
from targets.kinds import TargetOptions
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self

NO_CLOCK = Unavailable("a debug port has no clock that could time an inference: the firmware's counters are in its log")


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
        longest = max(map(len, command_streams(container)), default=0) + 4
        outputs, logs, proofs, silicon = [], [], [], True
        for image in job.inputs:
            require_input(container, image, what)
            with self._connected(what) as gdb:
                start = BoardStart(gdb, self.board, what)
                left = start.run(content, np.ascontiguousarray(image).tobytes(), output_bytes(container))
                proofs.append(prove(npu_state(gdb, self.board.address(self.board.npu), longest), artefact, container))
                silicon = silicon and self._is_silicon(gdb)
                start.leave()
            outputs.append(output_tensors(left.outputs, container))
            logs.append(left.log)
            self.options.progress(f"{self.name}: {len(outputs)} of {len(job.inputs)} images")
        return Run(
            target=self.name,
            evidence=Evidence.MEASURED if silicon else Evidence.HOST,
            fingerprint=self._fingerprint(),
            executed=artefact.compilation.compiled.sha256,
            outputs=tuple(outputs),
            latency_us=NO_CLOCK,
            proof=proofs[0],
            npu_time_share=Unavailable("the NPU's counters are not read through the debug port"),
            peak_memory_bytes=Unavailable("a firmware without an operating system does not say"),
            counters=_counters(logs[0]),
            notes=() if silicon else ("nothing names this board's chip (`device_id`): it may be an emulator",),
            log="\n".join(logs),
        )

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
    found = heard.counters() if "<metrics>" in log else {}
    return found if any(found.values()) else {}
