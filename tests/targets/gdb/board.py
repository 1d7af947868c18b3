"""A board for tests, in a process of its own: QEMU with our NPU behind a GDB server, as a probe on a bare-metal board is.

`python -m tests.targets.gdb.board PROFILE` prints the port that it listens at and the serial port that its firmware prints on.
Its NPU counts 1000 cycles and 7 beats on AXI1 for each stream. `monitor fault NAME` arms a fault, until the next:
die (the server goes), reset (the board starts anew when the NPU is started), hang (no interrupt comes), crash (the processor
jumps to nowhere), no-npu (the registers answer 0), other-stream (the NPU ran something else), silent (the server hears and says
nothing), few (it has three breakpoints).
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import tty
from dataclasses import dataclass, field
from pathlib import Path

from conversion.profile_files import load_profile
from core.processes import end_with_parent
from targets.fvp.firmware import packaged_firmware
from targets.fvp.npu_device import NpuDevice
from targets.fvp.npu_registers import PRODUCTS
from targets.fvp.npu_streams import StreamCache
from targets.fvp.platforms import platform_of
from targets.fvp.qemu import BOARDS
from targets.fvp.qemu_machine import QEMU, QemuMachine, started_machine
from targets.gdb.errors import PeerRefused, StillRunning
from targets.gdb.packets import Packet, Reader, escaped, framed
from targets.gdb.processor import AccessInPlace

SLICE_S = 0.2
FEATURES = b"PacketSize=1000;qXfer:features:read+"
QBASE_LO, CMD = 0x010, 0x008
FEW = 3
COUNTS = {"cycles": 1000, "axi1_read": 7}


@dataclass
class SerialPort:
    """A terminal whose other end a test may open; what was printed is sent once."""

    master: int
    _sent: int = 0

    def send(self, printed: str) -> None:
        """Send what is new; dropped where nobody takes it."""
        new, self._sent = printed[self._sent :].encode(), len(printed)
        while new and select.select([], [self.master], [], 1)[1]:
            new = new[os.write(self.master, new[:256]) :]


class Gone(Exception):
    """The board's server ends the session."""


@dataclass
class Board:
    """A machine with its NPU, and the fault that is armed."""

    machine: QemuMachine
    device: NpuDevice
    serial: SerialPort
    fault: str = ""
    points: int = 0
    accesses: AccessInPlace = field(init=False)

    def __post_init__(self) -> None:
        self.accesses = AccessInPlace(self.machine.gdb, dict.fromkeys(self.machine.board.npu_pages, self))

    def read(self, offset: int, width: int) -> int:
        """A register of the NPU."""
        return self.device.read(offset, width)

    def write(self, offset: int, width: int, value: int) -> None:
        """A write to the NPU, where most faults strike."""
        starts = offset == CMD and value & 1
        self.device.interrupt = _nobody if self.fault == "hang" else self.machine.interrupt
        self.device.write(offset, width, value)
        if starts and self.fault == "die":
            raise Gone
        if starts and self.fault == "other-stream":
            self.device.write(QBASE_LO, 4, 0x9000_0000)

    def answer(self, request: bytes, end: socket.socket) -> bytes | None:
        """The answer to one request, None for none."""
        if self.fault == "silent":
            return None
        if request.startswith(b"qSupported"):
            self.points = 0
            return FEATURES
        if request in (b"D", b"k"):
            return b"OK"
        if request == b"?":  # QEMU forgets all watchpoints when it is asked this
            return b"T05thread:01;"
        if request == b"c":
            return self._run(end)
        if request.startswith(b"qRcmd,"):
            return self._monitor(bytes.fromhex(request[6:].decode()).decode())
        if request[:1] == b"m":
            address, length = (int(part, 16) for part in request[1:].split(b","))
            if address & ~0xFFF in self.machine.board.npu_pages:
                value = 0 if self.fault == "no-npu" else self.device.read(address & 0xFFF, 4)
                return value.to_bytes(4, "little")[:length].hex().encode()
        return self._passed_on(request)

    def _passed_on(self, request: bytes) -> bytes:
        if request[:2] in (b"Z1", b"z1"):
            self.points += 1 if request[:1] == b"Z" else -1
        if self.fault == "few" and self.points > FEW:
            self.points -= 1
            return b"E0E"
        try:
            return self.machine.gdb.ask(request)
        except PeerRefused:
            return b"E01"

    def _monitor(self, command: str) -> bytes:
        if command.startswith("fault"):
            self.fault = command.partition(" ")[2]
        elif command == "reset halt":
            self.machine.gdb.monitor("system_reset", 5)
            self.machine.interrupt(high=False)
        else:
            return b"E01"
        return b"OK"

    def _run(self, end: socket.socket) -> bytes:
        """Let the processor run, the NPU's registers served, until it stops for the client's reasons."""
        gdb = self.machine.gdb
        while True:
            try:
                stop = gdb.resume(SLICE_S)
            except StillRunning:
                if select.select([end], [], [], 0)[0]:
                    return b"T02thread:01;"
                continue
            if stop.watch is None:
                self.serial.send(self.machine.printed())
                return b"T05thread:01;"
            pc = gdb.register("pc")
            self.accesses.perform(pc)
            if self.device.runs and self.fault in ("reset", "crash"):
                table = 0 if self.fault == "reset" else None
                gdb.set_register("pc", 0xF000_0000 if table is None else gdb.word(4) & ~1)


def _nobody(*, high: bool) -> None:
    """An interrupt line that is cut."""


def serve(board: Board, listener: socket.socket) -> None:
    """One client after the other, for ever."""
    while True:
        end, _ = listener.accept()
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with end:
            try:
                _session(board, end)
            except (Gone, OSError):
                board.fault = ""


def _session(board: Board, end: socket.socket) -> None:
    reader = Reader()
    while data := end.recv(65536):
        for event in reader.feed(data):
            if isinstance(event, Packet):
                end.sendall(b"+")
                board.device.runs.clear()
                said = board.answer(event.payload, end)
                if said is not None:
                    end.sendall(framed(escaped(said)))
    board.fault = "" if board.fault == "silent" else board.fault


def main() -> None:
    """Serve a board until the parent has gone."""
    end_with_parent(os.getppid())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    profile, executable = load_profile(sys.argv[1]), shutil.which(QEMU)
    assert executable
    platform = platform_of(profile, "")
    firmware = packaged_firmware(platform).path
    with (
        tempfile.TemporaryDirectory() as place,
        socket.create_server(("127.0.0.1", 0)) as listener,
        started_machine(executable, BOARDS[platform.name], firmware, {}, Path(place)) as machine,
    ):
        device = NpuDevice(
            product=PRODUCTS[profile.npu], macs=profile.macs, memory=machine, interrupt=machine.interrupt,
            streams=StreamCache(), counts=lambda _: COUNTS,
        )  # fmt: skip
        master, slave = os.openpty()
        tty.setraw(slave)
        sys.stdout.write(f"{listener.getsockname()[1]} {os.ttyname(slave)}\n")
        sys.stdout.flush()
        serve(Board(machine, device, SerialPort(master)), listener)


if __name__ == "__main__":
    main()
