"""One start of a bare-metal firmware on a board: everything put in its place, run to its end, and read back."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import RunError
from targets.elf_file import find_symbol, segments
from targets.fvp.model_file import untouched
from targets.gdb.client import Gdb
from targets.gdb.errors import GdbError, PeerRefused, StillRunning
from targets.gdb.processor import FaultHandlers, start_from
from targets.gdb.serial_log import serial_log
from targets.gdb.table import GdbBoard

RESET = "Reset_Handler"
MAX_LOG_BYTES = 1 << 20
VERIFIED_BYTES = 4096
"""Of each segment of a firmware that is said to be there already."""


@dataclass(frozen=True)
class Left:
    """What a start left behind: the bytes of the outputs, and what the firmware printed."""

    outputs: bytes = field(repr=False)
    log: str = ""


@dataclass
class BoardStart:
    """A board that stands still, and what is to run on it; `what` is the model's name for errors."""

    gdb: Gdb
    board: GdbBoard
    what: str
    unwatched: tuple[str, ...] = ()
    """What no breakpoint was left for."""
    _points: list[int] = field(default_factory=list)

    @property
    def firmware(self) -> Path:
        """The firmware's ELF file."""
        return Path(self.board.firmware)

    def run(self, model: bytes, given: bytes, output_bytes: int) -> Left:
        """What the firmware made of a model and an input; RunError for each way in which it did not."""
        board = self.board
        for command in board.before:
            self.gdb.monitor(command, board.seconds)
        self._firmware()
        self._put(model, "model", board.model, board.model_bytes)
        self._put(given, "input", board.input, board.input_bytes)
        self._put(untouched(output_bytes), "output", board.output, board.output_bytes)
        try:
            log = self._run()
        except RunError:
            with suppress(GdbError):  # the server may be what failed
                self.take_back()
            raise
        self.take_back()
        found = self.gdb.read(board.address(board.output), output_bytes)
        if found == untouched(output_bytes):
            raise RunError(
                f"`{self.what}`: the firmware came to `{board.stop}` and never wrote its output; {_tail(log)}",
                f"{output_bytes} bytes of output at `{board.output}`",
            )
        return Left(found, log)

    def leave(self) -> None:
        """Do what the board wants afterwards."""
        for command in self.board.after:
            self.gdb.monitor(command, self.board.seconds)

    def take_back(self) -> None:
        """Take the breakpoints away: another session with this server would stop at them."""
        while self._points:
            self.gdb.remove_point("hardware", self._points.pop(), 2)

    def _firmware(self) -> None:
        """Put the firmware there, or see that it is; set the processor to its vectors when those are named."""
        for segment in segments(self.firmware):
            if self.board.load:
                self.gdb.write(segment.address, segment.data)
                continue
            expected = segment.data[:VERIFIED_BYTES]
            if self.gdb.read(segment.address, len(expected)) != expected:
                raise RunError(
                    f"another firmware than `{self.firmware.name}` is on the board: bytes at 0x{segment.address:08x} differ",
                    "the firmware that targets.toml names, flashed, or `load = true`",
                )
        if self.board.vectors is not None:
            start_from(self.gdb, self.board.address(self.board.vectors))

    def _put(self, data: bytes, what: str, place: str, room_bytes: int) -> None:
        room = self.board.room(place, room_bytes)
        if len(data) > room:
            raise RunError(
                f"`{self.what}`: its {what} has {len(data)} bytes, the firmware has room for {room} at `{place}`",
                f"a {what} that fits, or a firmware with more room",
            )
        self.gdb.write(self.board.address(place), data)

    def _run(self) -> str:
        """The log of the firmware's way to its end; the error of one that does not come there has its last words."""
        with ExitStack() as undo:
            listening = undo.enter_context(serial_log(self.board.serial, self.board.baud)) if self.board.serial else None
            try:
                self._to_the_end()
            except RunError as error:
                with suppress(RunError):
                    heard = listening.text() if listening else self._log()
                    error.found += f"; {_tail(heard)}" if heard else ""
                raise
            return listening.text() if listening else self._log()

    def _to_the_end(self) -> None:
        stop, reset = self.board.address(self.board.stop) & ~1, find_symbol(self.firmware, RESET)
        handlers = FaultHandlers.of(self.firmware)
        self.gdb.step()  # off the reset handler, where the next visit means a reset
        again = reset[0] & ~1 if reset else None
        self._watch({stop: self.board.stop, **({} if again is None else {again: RESET}), **handlers.at})
        try:
            found = self.gdb.resume(self.board.seconds)
        except StillRunning as error:
            pc, lr = self.gdb.register("pc"), self.gdb.register("lr")
            raise StillRunning(
                f"`{self.what}`: the firmware did not end within {self.board.seconds:g} s; it was at 0x{pc:08x}, "
                f"called from 0x{lr:08x}",
                f"a firmware that comes to `{self.board.stop}`",
            ) from error
        pc = self.gdb.register("pc")
        handlers.require_none(self.gdb, pc, self.what)
        if pc == again:
            raise RunError(f"`{self.what}`: the board was reset in the run: it is at `{RESET}` again", "one run to its end")
        if pc != stop:
            raise RunError(f"`{self.what}`: signal {found.signal} stopped the firmware at 0x{pc:08x}", f"`{self.board.stop}`")

    def _watch(self, wanted: dict[int, str]) -> None:
        """Set breakpoints, the most important first, as many as the table allows and the server grants; one is needed."""
        most = self.board.breakpoints or len(wanted)
        for address in list(wanted)[:most]:
            try:
                self.gdb.set_point("hardware", address, 2)
            except PeerRefused:
                if not self._points:
                    raise
                break
            self._points.append(address)
        self.unwatched = tuple(name for address, name in wanted.items() if address not in self._points)

    def _log(self) -> str:
        if self.board.log is None:
            return ""
        size = min(self.board.room(self.board.log, self.board.log_bytes), MAX_LOG_BYTES)
        return self.gdb.read(self.board.address(self.board.log), size).split(b"\0")[0].decode(errors="replace")


def _tail(log: str) -> str:
    return f"its last words: {' | '.join(log.split(chr(10))[-3:])[:300]}" if log else "it has no log"
