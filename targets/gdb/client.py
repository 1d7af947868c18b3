"""A client of the GDB remote protocol: registers, memory, breakpoints, running, of whatever stands behind a server.

Source: GDB manual, appendix "Remote Protocol". Acknowledgements stay on: every server has them. Numbers are little-endian, as
every Ethos-U system's are.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Literal

from targets.gdb.description import Register, registers
from targets.gdb.errors import GdbError, PeerNonsense, PeerRefused, PeerSilent, StillRunning
from targets.gdb.link import CONNECT_S, Link
from targets.gdb.packets import MAX_PAYLOAD, escaped
from targets.gdb.stops import Stop, parse_stop

Point = Literal["software", "hardware", "write", "read", "access"]
POINTS: dict[Point, int] = {"software": 0, "hardware": 1, "write": 2, "read": 3, "access": 4}

REQUEST_S = 10.0
"""How long one answer may take that needs no program to run."""
STOP_S = 5.0
"""How long a program may take to stop after it was interrupted."""
SMALLEST_PACKET, LARGEST_PACKET = 256, 1 << 16
MAX_XML = 1 << 20
_OVERHEAD = 40
"""Bytes of a packet that hold no memory: `M`, address, length, checksum."""
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})*")
_OFFER = b"qSupported:xmlRegisters=arm,i386;swbreak-;hwbreak-;vContSupported-"


@dataclass
class Gdb:
    """One session with a server; a context manager that lets go of the target and closes the connection.

    `on_output` hears what the program prints through the server (semihosting, or a monitor command's words).
    """

    link: Link
    on_output: Callable[[str], None] = lambda _: None
    request_s: float = REQUEST_S
    _features: dict[str, str] = field(init=False)
    _binary_writes: bool | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._features = _features(self.ask(_OFFER))
        self.reason()  # gdbserver gives no description before it was asked this

    @classmethod
    def connect(
        cls, address: str, limit_s: float = CONNECT_S, on_output: Callable[[str], None] = lambda _: None,
        request_s: float = REQUEST_S,
    ) -> Gdb:  # fmt: skip
        """A session with the server at `host:port` or at a Unix socket's path; PeerGone when there is none."""
        link = Link.open(address, limit_s)
        try:
            return cls(link, on_output, request_s)
        except BaseException:
            link.close()
            raise

    def __enter__(self) -> Gdb:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Detaches, if the server still hears, and closes."""
        with contextlib.suppress(GdbError):
            self.link.send(b"D", 1.0)
        self.link.close()

    @property
    def packet_bytes(self) -> int:
        """The longest packet that the server takes, within bounds of ours."""
        told = self._features.get("PacketSize", "")
        size = int(told, 16) if re.fullmatch(r"[0-9a-fA-F]{1,8}", told) else SMALLEST_PACKET
        return min(max(size, SMALLEST_PACKET), LARGEST_PACKET)

    def ask(self, request: bytes, limit_s: float | None = None) -> bytes:
        """The answer to one request, empty when the server does not know it; PeerRefused when it says no."""
        limit = self.request_s if limit_s is None else limit_s
        self.link.send(request, limit)
        answer = self.link.receive(limit)
        if re.fullmatch(rb"E([0-9a-fA-F]{2}|\..*)", answer, re.DOTALL):
            raise PeerRefused(f"{self.link.peer} refuses `{_short(request)}`: {_short(answer)}", "a request that it can do")
        return answer

    def _do(self, request: bytes, what: str) -> None:
        answer = self.ask(request)
        if answer == b"":
            raise PeerRefused(f"{self.link.peer} knows no {what} (`{_short(request)}`)", "a server that does")
        if answer != b"OK":
            raise PeerNonsense(f"{self.link.peer} answers `{_short(answer)}` to `{_short(request)}`", "OK")

    # What it is, and where it stands.

    def reason(self) -> Stop:
        """Why the program stands still."""
        return parse_stop(self.ask(b"?"))

    @cached_property
    def registers(self) -> dict[str, Register]:
        """The target's registers by lower-case name, out of the server's target.xml; PeerRefused when it has none."""
        if self._features.get("qXfer:features:read") != "+":
            raise PeerRefused(f"{self.link.peer} describes no registers", "a server with qXfer:features:read (target.xml)")
        return registers(self._described)

    def _described(self, name: str) -> str:
        if not re.fullmatch(r"[\w./+-]{1,200}", name):
            raise PeerNonsense(f"a target description names the file `{name[:60]}`", "a file's name")
        content, size = bytearray(), self.packet_bytes - _OVERHEAD
        while len(content) <= MAX_XML:
            part = self.ask(b"qXfer:features:read:%b:%x,%x" % (name.encode(), len(content), size))
            content += part[1:]
            if part[:1] == b"l":
                return content.decode(errors="replace")
            if part[:1] != b"m" or len(part) == 1:
                raise PeerNonsense(f"a part of `{name}` begins with `{_short(part[:4])}`", "m or l")
        raise PeerNonsense(f"`{name}` has more than {MAX_XML} bytes", f"at most {MAX_XML}")

    def register(self, name: str) -> int:
        """The value of a register, such as "pc"."""
        row = self._row(name)
        answer = self.ask(b"p%x" % row.number)
        if answer == b"":  # gdbserver has only the request for all of them
            start, size = self._place(row)
            answer = self.ask(b"g")[2 * start : 2 * (start + size)]
        return int.from_bytes(_bytes(answer, row.bits // 8, f"register {name}"), "little")

    def set_register(self, name: str, value: int) -> None:
        """Give a register a value."""
        row = self._row(name)
        text = value.to_bytes(row.bits // 8, "little").hex().encode()
        try:
            self._do(b"P%x=%b" % (row.number, text), "writing of one register")
        except PeerRefused:
            start, size = self._place(row)
            values = self.ask(b"g")
            self._do(b"G%b%b%b" % (values[: 2 * start], text, values[2 * (start + size) :]), "writing of registers")

    def _place(self, row: Register) -> tuple[int, int]:
        """First byte and number of bytes of a register in the answer to `g`, where all follow each other by their numbers."""
        before = sum(other.bits // 8 for other in self.registers.values() if other.number < row.number)
        return before, row.bits // 8

    def _row(self, name: str) -> Register:
        found = self.registers.get(name)
        if found is None or not found.bits or found.bits % 8:
            raise PeerRefused(f"{self.link.peer} has no register `{name}`", f"one of {', '.join(list(self.registers)[:20])}")
        return found

    # Memory.

    def read(self, address: int, length: int) -> bytes:
        """Bytes of the target's memory, as its processor sees it."""
        found = bytearray()
        most = (self.packet_bytes - _OVERHEAD) // 2
        while len(found) < length:
            size = min(most, length - len(found))
            request = b"m%x,%x" % (address + len(found), size)
            part = _bytes(self.ask(request), None, _short(request))
            if not 0 < len(part) <= size:
                raise PeerNonsense(f"{self.link.peer} answers {len(part)} bytes to `{_short(request)}`", f"1 to {size}")
            found += part
        return bytes(found)

    def write(self, address: int, data: bytes) -> None:
        """Bytes into the target's memory, as its processor sees it; in binary where the server takes it."""
        if self._binary_writes is None:
            self._binary_writes = self.ask(b"X%x,0:" % address) == b"OK"
        most = (self.packet_bytes - _OVERHEAD) // 2
        for start in range(0, len(data), most):
            part = data[start : start + most]
            if self._binary_writes:
                self._do(b"X%x,%x:%b" % (address + start, len(part), escaped(part)), "writing of memory")
            else:
                self._do(b"M%x,%x:%b" % (address + start, len(part), part.hex().encode()), "writing of memory")

    def word(self, address: int) -> int:
        """The 32-bit word at an address."""
        return int.from_bytes(self.read(address, 4), "little")

    # Running.

    def set_point(self, kind: Point, address: int, length: int) -> None:
        """Stop the program at a breakpoint, or when it accesses these bytes; PeerRefused when there is none left."""
        self._do(b"Z%d,%x,%x" % (POINTS[kind], address, length), f"{kind} {_point_name(kind)}")

    def remove_point(self, kind: Point, address: int, length: int) -> None:
        """Undo `set_point`."""
        self._do(b"z%d,%x,%x" % (POINTS[kind], address, length), f"{kind} {_point_name(kind)}")

    def resume(self, limit_s: float) -> Stop:
        """Let the program run until it stops; StillRunning when it does not in time (it is interrupted then)."""
        self.link.send(b"c", self.request_s)
        return self._wait(limit_s)

    def step(self) -> Stop:
        """Let the program do one instruction."""
        self.link.send(b"s", self.request_s)
        return self._wait(self.request_s)

    def _wait(self, limit_s: float) -> Stop:
        try:
            return self._stopped(time.monotonic() + limit_s)
        except PeerSilent:
            self.link.interrupt()
            self._stopped(time.monotonic() + STOP_S)
        raise StillRunning(f"the program did not stop within {limit_s:g} s", "a program that comes to its end")

    def _stopped(self, end: float) -> Stop:
        while True:
            answer = self.link.receive(end - time.monotonic())
            if answer[:1] == b"O" and answer != b"OK":
                self.on_output(_bytes(answer[1:], None, "output").decode(errors="replace"))
                continue
            if answer[:1] == b"E" or answer == b"":
                raise PeerRefused(f"{self.link.peer} cannot let the program run: `{_short(answer)}`", "a program that runs")
            return parse_stop(answer)

    def monitor(self, command: str, limit_s: float) -> str:
        """What the server itself says to a command of its own, such as "reset halt"."""
        self.link.send(b"qRcmd,%b" % command.encode().hex().encode(), self.request_s)
        said: list[str] = []
        for answer in self._answers(time.monotonic() + limit_s):
            if answer == b"OK":
                break
            text = answer[1:] if answer[:1] == b"O" else answer
            said.append(_bytes(text, None, f"the answer to `monitor {command}`").decode(errors="replace"))
            if answer[:1] != b"O":
                break
        return "".join(said)

    def _answers(self, end: float) -> Iterator[bytes]:
        size = 0
        while size <= MAX_PAYLOAD:
            answer = self.link.receive(end - time.monotonic())
            if answer == b"" or answer[:1] == b"E":
                raise PeerRefused(f"{self.link.peer} refuses a monitor command: `{_short(answer)}`", "a command that it knows")
            size += len(answer)
            yield answer
        raise PeerNonsense(f"{self.link.peer} answers a monitor command with more than {MAX_PAYLOAD} bytes", "a few lines")


def _features(answer: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in answer.decode("latin-1").split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found[name] = value
        elif part[-1:] in ("+", "-", "?"):
            found[part[:-1]] = part[-1]
    return found


def _bytes(text: bytes, length: int | None, what: str) -> bytes:
    if not _HEX.fullmatch(text) or (length is not None and len(text) != 2 * length):
        raise PeerNonsense(f"`{_short(text)}` for {what}", "hex digits" if length is None else f"{2 * length} hex digits")
    return bytes.fromhex(text.decode())


def _short(data: bytes) -> str:
    return data[:60].decode("latin-1")


def _point_name(kind: Point) -> str:
    return "breakpoints" if kind in ("software", "hardware") else "watchpoints"
