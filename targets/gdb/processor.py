"""A Cortex-M behind a GDB server: its accesses to a device done in its place, and the faults it may end in."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.errors import RunError
from targets.elf_file import find_symbol
from targets.gdb.client import Gdb
from targets.gdb.errors import PeerRefused
from targets.gdb.thumb import MemoryAccess, decode, next_it_state

NAMES = {number: f"r{number}" for number in range(13)} | {13: "sp", 14: "lr", 15: "pc"}
FAULT_HANDLERS = ("HardFault_Handler", "MemManage_Handler", "BusFault_Handler", "UsageFault_Handler", "SecureFault_Handler")
FAULT_STATUS = {"CFSR": 0xE000_ED28, "HFSR": 0xE000_ED2C, "BFAR": 0xE000_ED38}
"""Where every Armv7-M and Armv8-M processor keeps the cause of a fault."""
_IT_BITS = 0x3F << 10 | 3 << 25
_STACKED = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")


THUMB = 0x0100_0000
"""The xPSR of a Cortex-M that runs outside exceptions."""


class FirmwareFault(RunError):
    """A firmware went into one of its fault handlers."""


class Device(Protocol):
    """Something with registers in the processor's address map."""

    def read(self, offset: int, width: int) -> int:
        """What a read finds."""
        ...

    def write(self, offset: int, width: int, value: int) -> None:
        """Do what a write does."""
        ...


def start_from(gdb: Gdb, vectors: int) -> None:
    """Let the processor stand where a reset with this vector table would have it."""
    gdb.set_register("sp", gdb.word(vectors))
    gdb.set_register("pc", gdb.word(vectors + 4) & ~1)
    gdb.set_register("xpsr", THUMB)


@dataclass
class AccessInPlace:
    """Does the loads and stores of a halted processor on devices by the pages of 4 KiB they are at; code is read once."""

    gdb: Gdb
    pages: Mapping[int, Device]
    _decoded: dict[int, MemoryAccess] = field(default_factory=dict)

    def perform(self, pc: int) -> None:
        """Do the access at `pc` on its device, and let the processor stand behind it. NotDecoded for what is none.

        RunError when the address that it accesses is on no page of ours.
        """
        access = self._access(pc)
        values = {number: self.gdb.register(NAMES[number]) for number in access.read_registers}
        address = access.address(values)
        loaded: dict[int, int] = {}
        for number, register in enumerate(access.registers):
            device, offset = self._device(address + number * access.width, access)
            if access.is_load:
                loaded[register] = access.extended(device.read(offset, access.width))
            else:
                device.write(offset, access.width, values[register] & ((1 << 8 * access.width) - 1))
        back = access.written_back(values)
        for register, value in {**({} if back is None else {access.base: back}), **loaded}.items():
            self.gdb.set_register(NAMES[register], value)
        self._pass(pc + access.size)

    def _pass(self, following: int) -> None:
        status = self.gdb.register("xpsr")
        if status & _IT_BITS:
            self.gdb.set_register("xpsr", next_it_state(status))
        self.gdb.set_register("pc", following)

    def _access(self, pc: int) -> MemoryAccess:
        if pc not in self._decoded:
            code = self.gdb.read(pc, 4)
            self._decoded[pc] = decode(int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little"))
        return self._decoded[pc]

    def _device(self, address: int, access: MemoryAccess) -> tuple[Device, int]:
        device = self.pages.get(address & ~0xFFF)
        if device is None:
            raise RunError(
                f"a watchpoint stopped the processor at {access.mnemonic} to 0x{address:08x}, which is no device of ours",
                f"an address in {', '.join(f'0x{page:08x}' for page in self.pages)}",
            )
        return device, address & 0xFFF


@dataclass(frozen=True)
class FaultHandlers:
    """Where a firmware ends when it goes wrong: address of each handler -> its name."""

    at: Mapping[int, str]

    @classmethod
    def of(cls, firmware: Path) -> FaultHandlers:
        """Those that the firmware names and has for itself: one address for several names is a default handler."""
        found = {name: find_symbol(firmware, name) for name in FAULT_HANDLERS}
        return cls({symbol[0] & ~1: name for name, symbol in found.items() if symbol})

    def watch(self, gdb: Gdb) -> None:
        """Stop the program at each of them."""
        for address in self.at:
            gdb.set_point("hardware", address, 2)

    def require_none(self, gdb: Gdb, pc: int, what: str) -> None:
        """Raise FirmwareFault when the program stands in one, with what the processor says of the cause."""
        name = self.at.get(pc)
        if name is not None:
            said = ", ".join(f"{register} 0x{value:08x}" for register, value in _cause(gdb).items())
            raise FirmwareFault(f"`{what}`: the firmware ended in {name}: {said}", "a firmware that runs to its end")


def _cause(gdb: Gdb) -> dict[str, int]:
    """The registers as they were when the exception was taken, and the status registers of faults, as far as they are told."""
    found: dict[str, int] = {}
    with contextlib.suppress(PeerRefused):
        on_process_stack = gdb.register("lr") & 4 and "psp" in gdb.registers
        frame = gdb.register("psp" if on_process_stack else "sp")
        for name, address in FAULT_STATUS.items():
            found[name] = gdb.word(address)
        for number, name in enumerate(_STACKED):
            found[name] = gdb.word(frame + 4 * number)
    return found
