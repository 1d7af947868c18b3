"""The client does what it says with two servers that others wrote: QEMU's stub, and gdbserver on this machine's processor."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from targets.elf_file import find_symbol
from targets.fvp.qemu_machine import QemuMachine
from targets.gdb.client import Gdb
from targets.gdb.errors import GdbError, PeerRefused, StillRunning
from targets.gdb.processor import FaultHandlers, FirmwareFault
from tests.targets.gdb import toolchain

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

PROGRAM = """
function Reset_Handler
    movs r0, #0
    ldr r1, =0x20000100
    ldr r2, [r1, #4]
    cmp r2, #1
    beq bad
    cmp r2, #2
    beq endless
loop:
    adds r0, #1
    str r0, [r1]
    cmp r0, #5
    blt loop
function done
    b done
function endless
    b endless
function bad
    nop
    nop
    udf #0
    .ltorg
"""
COUNTER, CHOICE = 0x2000_0100, 0x2000_0104


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[QemuMachine]:
    toolchain.require()
    with toolchain.machine(tmp_path, toolchain.linked(tmp_path, PROGRAM)) as found:
        yield found


def at(machine: QemuMachine, name: str) -> int:
    symbol = find_symbol(machine.folder / "firmware.elf", name)
    assert symbol
    return symbol[0] & ~1


def test_qemu_runs_to_a_breakpoint_and_stops_before_a_watched_access(machine: QemuMachine) -> None:
    gdb = machine.gdb
    gdb.set_point("hardware", at(machine, "done"), 2)
    gdb.set_point("write", COUNTER, 4)
    first = gdb.resume(10)
    assert first.watch == COUNTER
    assert (gdb.register("r0"), gdb.word(COUNTER)) == (1, 0)
    gdb.remove_point("write", COUNTER, 4)
    assert gdb.resume(10).watch is None
    assert gdb.register("pc") == at(machine, "done")
    assert gdb.word(COUNTER) == 5


def test_qemu_takes_memory_of_any_size_and_gives_it_back(machine: QemuMachine) -> None:
    content = os.urandom(70_001)
    machine.gdb.write(0x2100_0003, content)
    assert machine.gdb.read(0x2100_0003, len(content)) == content
    assert machine.read(0x2100_0003, len(content)) == content
    with pytest.raises(PeerRefused):
        machine.gdb.read(0xFFFF_0000, 64)


def test_a_program_without_an_end_is_interrupted_after_its_time(machine: QemuMachine) -> None:
    machine.gdb.write(CHOICE, (2).to_bytes(4, "little"))
    started = time.monotonic()
    with pytest.raises(StillRunning, match=r"did not stop within 0\.5 s"):
        machine.gdb.resume(0.5)
    assert time.monotonic() - started < 5
    assert machine.gdb.register("pc") == at(machine, "endless")


def test_a_fault_of_the_firmware_is_said_with_the_registers_at_its_cause(machine: QemuMachine) -> None:
    machine.gdb.write(CHOICE, (1).to_bytes(4, "little"))
    handlers = FaultHandlers.of(machine.folder / "firmware.elf")
    handlers.watch(machine.gdb)
    machine.gdb.resume(10)
    pc = machine.gdb.register("pc")
    bad = at(machine, "bad") + 4
    with pytest.raises(FirmwareFault, match=rf"ended in HardFault_Handler: CFSR 0x0*[1-9a-f].* pc 0x{bad:08x}"):
        handlers.require_none(machine.gdb, pc, "the program")


def test_a_server_that_dies_under_a_running_program_is_gone(machine: QemuMachine) -> None:
    machine.gdb.write(CHOICE, (2).to_bytes(4, "little"))
    machine.gdb.link.send(b"c", 5)
    machine._command("quit")
    with pytest.raises(GdbError, match=r"closed the connection|broke"):
        stopped_at(machine.gdb)


def stopped_at(gdb: Gdb) -> int:
    """Where a running program stops; a server may say that it ended before it goes."""
    gdb._wait(20)
    return gdb.register("pc")


@pytest.fixture
def native() -> Iterator[tuple[Gdb, subprocess.Popen[str]]]:
    """gdbserver with a program of this machine, at its first instruction."""
    if not shutil.which("gdbserver"):
        if "qemu" in os.environ.get("ETHOS_BENCH_REQUIRE_LANES", "").split(","):
            pytest.fail("ETHOS_BENCH_REQUIRE_LANES names qemu: no gdbserver (apt-get install gdbserver)")
        pytest.skip("no gdbserver (apt-get install gdbserver)")
    command = ["gdbserver", "--once", "127.0.0.1:0", "/bin/sleep", "0.2"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            port = next(found.group(1) for line in server.stderr if (found := re.search(r"Listening on port (\d+)", line)))
            with Gdb.connect(f"127.0.0.1:{port}") as gdb:
                yield gdb, server
        finally:
            server.kill()


def test_gdbserver_gives_registers_memory_and_steps(native: tuple[Gdb, subprocess.Popen[str]]) -> None:
    gdb, _ = native
    pc = "rip" if "rip" in gdb.registers else "pc"
    stack = "rsp" if "rsp" in gdb.registers else "sp"
    before = gdb.register(pc)
    code = gdb.read(before, 16)
    assert code != bytes(16)
    gdb.step()
    assert gdb.register(pc) != before
    place, content = gdb.register(stack) - 5000, os.urandom(3000)
    gdb.write(place, content)
    assert gdb.read(place, 3000) == content
    gdb.set_register(pc, before)
    assert gdb.register(pc) == before
    with pytest.raises(PeerRefused):
        gdb.read(8, 4)


def test_gdbserver_runs_a_program_to_its_end(native: tuple[Gdb, subprocess.Popen[str]]) -> None:
    gdb, _ = native
    stop = gdb.resume(20)
    assert (stop.ended, stop.signal) == (True, 0)


def test_gdbserver_answers_monitor_commands_and_refuses_unknown_ones(native: tuple[Gdb, subprocess.Popen[str]]) -> None:
    gdb, _ = native
    assert "monitor commands are supported" in gdb.monitor("help", 5)
    try:
        assert "Unknown monitor command" in gdb.monitor("reset halt", 5)
    except PeerRefused:
        return
