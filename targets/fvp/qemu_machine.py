"""QEMU as a Corstone: an emulated Cortex-M with a firmware, whose accesses to the NPU's registers come to us.

QEMU knows no Ethos-U. A watchpoint on the NPU's page stops the processor before each access; the instruction is taken apart,
the device answers, and the processor goes on behind it. The interrupt comes in by QEMU's test protocol (qtest), memory is read
in bulk by its machine protocol (QMP). All three go over sockets that QEMU inherits, so there is no port and no path to collide.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from core.errors import RunError
from core.processes import started_child
from ethosu_simulator import MemoryFault
from targets.gdb.client import Gdb
from targets.gdb.errors import PeerGone, PeerNonsense, PeerRefused, PeerSilent
from targets.gdb.link import Link
from targets.gdb.processor import Device, start_from

QEMU = "qemu-system-arm"
BULK_BYTES = 4096
"""Longer reads go through QMP."""
ANSWER_S = 10.0
UART = "uart.log"
CPUID = 0xE000_ED00
MAX_LOG_BYTES = 16 << 20


@dataclass(frozen=True)
class QemuBoard:
    """How QEMU models a platform: its machine, where the NPU's registers are and all their aliases, and its interrupt line.

    `interrupt_at` are QOM path and name of the inputs that `interrupt_line` counts. A platform that the machine is not, but has
    the memories of, starts from `vectors`, and its processor is called `cpuid`.
    """

    machine: str
    npu_pages: tuple[int, ...]
    interrupt_line: int
    interrupt_at: str = "/machine/iotkit EXP_IRQ"
    vectors: int | None = None
    cpuid: int | None = None

    @property
    def named(self) -> str:
        """The machine, and what it is not."""
        return self.machine if self.cpuid is None else f"{self.machine} with a Cortex-M55 called 0x{self.cpuid:08x}"


@dataclass(frozen=True)
class Processor:
    """What a processor calls itself, for a firmware that asks the emulated one: a page of the system's registers."""

    cpuid: int

    def read(self, offset: int, width: int) -> int:
        """CPUID, which alone is watched."""
        return self.cpuid

    def write(self, offset: int, width: int, value: int) -> None:
        """Nothing: CPUID cannot be written."""


@dataclass
class Lines:
    """A line-wise protocol over a socket, each line within a time limit."""

    what: str
    _socket: socket.socket
    _file: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._socket.settimeout(ANSWER_S)
        self._file = self._socket.makefile("rb")

    def read(self) -> bytes:
        """The next line; PeerGone at the end, PeerSilent when none comes."""
        try:
            line = self._file.readline(1 << 20)
        except TimeoutError as error:
            raise PeerSilent(f"QEMU's {self.what} does not answer", f"an answer within {ANSWER_S:g} s") from error
        except OSError as error:
            raise PeerGone(
                f"the connection to QEMU's {self.what} broke: {error.strerror or error}", "a running QEMU"
            ) from error
        if not line.endswith(b"\n"):
            raise PeerGone(f"QEMU's {self.what} closed the connection", "a running QEMU")
        return line

    def write(self, line: str) -> None:
        """Send one line."""
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise PeerGone(
                f"the connection to QEMU's {self.what} broke: {error.strerror or error}", "a running QEMU"
            ) from error


@dataclass
class QemuMachine:
    """A machine that stands still at its first instruction; `folder` holds what it prints and what is read in bulk."""

    gdb: Gdb
    folder: Path
    board: QemuBoard
    _qmp: Lines
    _qtest: Lines

    def __post_init__(self) -> None:
        self._qmp.read()
        self._command("qmp_capabilities")
        for page in self.board.npu_pages:
            self.gdb.set_point("access", page, 0x1000)
        if self.board.cpuid is not None:
            self.gdb.set_point("read", CPUID, 4)
        if self.board.vectors is not None:
            start_from(self.gdb, self.board.vectors)

    def pages(self, npu: Device) -> dict[int, Device]:
        """The pages whose accesses are ours, with the devices that answer there."""
        cpuid = self.board.cpuid
        found: dict[int, Device] = dict.fromkeys(self.board.npu_pages, npu)
        return found if cpuid is None else {**found, CPUID & ~0xFFF: Processor(cpuid)}

    def read(self, address: int, length: int) -> bytes:
        """Bytes as the processor sees them; MemoryFault where it sees none."""
        if length > 1 << 30:
            raise MemoryFault(f"{length} bytes at 0x{address:x}: expected at most 1 GiB")
        try:
            if length < BULK_BYTES:
                return self.gdb.read(address, length)
            self._command("memsave", val=address, size=length, filename="memory.bin")
            content = (self.folder / "memory.bin").read_bytes()
        except PeerRefused as error:
            raise MemoryFault(f"{length} bytes at 0x{address:x}: {error.found}") from error
        if len(content) != length:
            raise MemoryFault(f"{length} bytes at 0x{address:x}: QEMU gives {len(content)}")
        return content

    def write(self, address: int, data: bytes) -> None:
        """Bytes into memory as the processor sees it; MemoryFault where it sees none."""
        try:
            self.gdb.write(address, data)
        except PeerRefused as error:
            raise MemoryFault(f"{len(data)} bytes at 0x{address:x}: {error.found}") from error

    def interrupt(self, *, high: bool) -> None:
        """Set the level of the NPU's interrupt line."""
        self._qtest.write(f"set_irq_in {self.board.interrupt_at} {self.board.interrupt_line} {int(high)}")
        answer = self._qtest.read()
        if not answer.startswith(b"OK"):
            raise PeerNonsense(f"QEMU's qtest answers `{answer[:60].decode('latin-1').strip()}` to an interrupt", "OK")

    def printed(self) -> str:
        """What the firmware has printed on its serial port."""
        with (self.folder / UART).open("rb") as file:
            return file.read(MAX_LOG_BYTES).decode(errors="replace")

    def _command(self, name: str, **arguments: Any) -> None:
        self._qmp.write(json.dumps({"execute": name, "arguments": arguments}))
        while True:
            answer = _answer(self._qmp.read())
            if "error" in answer:
                raise PeerRefused(f"QEMU refuses `{name}`: {str(answer['error'])[:200]}", "a command that it can do")
            if "return" in answer:
                return


def _answer(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise PeerNonsense(f"QEMU's machine protocol says `{line[:60].decode('latin-1')}`", "a line of JSON") from error
    if not isinstance(found, dict):
        raise PeerNonsense("QEMU's machine protocol says no object", "a line of JSON")
    return found


@contextmanager
def started_machine(
    executable: str, board: QemuBoard, firmware: Path, loaded: dict[int, Path], folder: Path
) -> Iterator[QemuMachine]:
    """A machine with a firmware and with files at addresses, before its first instruction; gone when the block is left."""
    with ExitStack() as undo:
        pairs = [socket.socketpair() for _ in range(3)]
        for pair in pairs:
            for end in pair:
                undo.callback(end.close)
        ours, theirs = [one for one, _ in pairs], [other.fileno() for _, other in pairs]
        errors = undo.enter_context((folder / "qemu.err").open("w+b"))
        (folder / UART).touch()
        command = qemu_command(executable, board, firmware, loaded, theirs)
        try:
            undo.enter_context(started_child(command, errors, cwd=folder, handed=theirs))
        except OSError as error:
            raise RunError(f"`{executable}` cannot be started: {error.strerror or error}", QEMU) from error
        for _, other in pairs:
            other.close()
        try:
            gdb = Gdb(Link(QEMU, ours[0]))
            machine = QemuMachine(
                gdb=gdb, folder=folder, board=board, _qmp=Lines("machine protocol", ours[1]), _qtest=Lines("qtest", ours[2])
            )
        except PeerGone as error:
            said = _last_words(folder)
            raise PeerGone(
                f"`{executable}` ended at once: {said or error.found}", f"{QEMU} with machine {board.machine}"
            ) from error
        yield machine


def qemu_command(executable: str, board: QemuBoard, firmware: Path, loaded: dict[int, Path], handed: list[int]) -> list[str]:
    """QEMU's command line; `handed` are the sockets for GDB, QMP and qtest."""
    names = ("gdb", "qmp", "qtest")
    sockets = [f"socket,id={name},fd={number}" for name, number in zip(names, handed, strict=True)]
    return [
        *_dies_with_us(),
        executable, "-M", board.machine, "-accel", "tcg", "-display", "none", "-monitor", "none", "-S", "-nodefaults",
        *(word for one in sockets for word in ("-chardev", one)),
        "-gdb", "chardev:gdb", "-mon", "chardev=qmp,mode=control", "-object", "qtest,id=irq,chardev=qtest,log=/dev/null",
        "-serial", f"file:{UART}", "-kernel", str(firmware),
        *(word for at, file in loaded.items() for word in ("-device", _loader(file, at))),
    ]  # fmt: skip


def _dies_with_us() -> list[str]:
    """What makes Linux end a child with its parent, however that ends: an emulated processor would run on for ever."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def _loader(path: Path, address: int) -> str:
    """The device that puts a file into memory; QEMU's options want a comma doubled."""
    return f"loader,file={str(path).replace(',', ',,')},addr={address:#x},force-raw=on"


def _last_words(folder: Path) -> str:
    text = (folder / "qemu.err").read_text("utf-8", "replace")
    return re.sub(r"\s*\n\s*", " | ", text.strip())[-300:]
