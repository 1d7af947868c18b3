"""An Ethos-U behind its registers, for whatever emulates the processor beside it: words in, words out, an interrupt.

The NPU runs a stream at once, while the write that started it is being done: no processor could tell. What goes wrong is told
the driver by the status bits that hardware has for it, and kept in `faults` in the simulator's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.errors import RunError
from ethosu_simulator import Executed, SimulatorError, StreamError
from targets.fvp.npu_registers import (
    BY_OFFSET,
    COUNTED,
    CYCLES_ENABLED,
    EVENTS,
    REGION_BASES,
    Cmd,
    NpuRegister,
    Pmcr,
    Product,
    Status,
)
from targets.fvp.npu_streams import GuestMemory, StreamCache


class NoSuchRegister(RunError):
    """A firmware accesses what the NPU's registers do not have."""


class Interrupt(Protocol):
    """The NPU's interrupt line."""

    def __call__(self, *, high: bool) -> None:
        """Set its level."""


Counts = Callable[[bytes], Mapping[str, int]]
"""From a stream to what the PMU counts while it runs: cycles, axi0_read ...; what is not named counts 0."""


def _uncounted(stream: bytes) -> Mapping[str, int]:
    """Nothing: an NPU without a clock."""
    return {}


@dataclass(frozen=True)
class StreamRun:
    """One stream that ran to its end: its bytes, where it lay, and the operations that were done."""

    stream: bytes = field(repr=False)
    address: int
    executed: tuple[Executed, ...] = field(repr=False)


@dataclass
class NpuDevice:
    """Registers, interrupt and work of one NPU; `runs` are the streams so far, `accesses` counts reads and writes."""

    product: Product
    macs: int
    memory: GuestMemory
    interrupt: Interrupt
    streams: StreamCache
    counts: Counts = _uncounted
    runs: list[StreamRun] = field(default_factory=list)
    faults: list[SimulatorError] = field(default_factory=list)
    accesses: int = 0
    config_read: bool = False
    _values: dict[tuple[str, int], int] = field(default_factory=dict)

    def read(self, offset: int, width: int) -> int:
        """What a read finds; NoSuchRegister where there is none, and for anything but a word."""
        row, number = self._row(offset, width, "read")
        self.config_read = self.config_read or row.name == "CONFIG"
        answers: dict[str, Callable[[], int]] = {
            "ID": lambda: self.product.id_word,
            "CONFIG": lambda: self.product.config_word(self.macs),
            "PMCR": lambda: self._get("PMCR") | EVENTS << 11,
            "PMCNTENCLR": lambda: self._get("PMCNTENSET"),
            "PMOVSCLR": lambda: self._get("PMOVSSET"),
            "PMINTCLR": lambda: self._get("PMINTSET"),
        }
        return answers[row.name]() if row.name in answers else self._get(row.name, number)

    def write(self, offset: int, width: int, value: int) -> None:
        """Do what a write does; NoSuchRegister as for a read."""
        row, number = self._row(offset, width, "write")
        if row.name == "RESET":
            self._reset(value)
        elif row.name == "CMD":
            self._command(value, row)
        elif row.name == "PMCR":
            self._control_counters(value, row)
        elif row.name in ("PMCNTENSET", "PMOVSSET", "PMINTSET"):
            self._values[row.name, 0] = self._get(row.name) | value
        elif row.name in ("PMCNTENCLR", "PMOVSCLR", "PMINTCLR"):
            name = row.name.replace("CLR", "SET")
            self._values[name, 0] = self._get(name) & ~value
        else:
            self._values[row.name, number] = value & row.writable

    def _row(self, offset: int, width: int, how: str) -> tuple[NpuRegister, int]:
        self.accesses += 1
        found = BY_OFFSET.get(offset)
        if found is None or found[0].access not in (how, "both") or width != 4:
            name = found[0].name if found else "no register"
            raise NoSuchRegister(
                f"the firmware does a {how} of {width} bytes at 0x{offset:03x} of the NPU ({name})",
                f"words, at the offsets of {self.product.npu}'s registers that its driver uses",
            )
        return found

    def _get(self, name: str, number: int = 0) -> int:
        return self._values.get((name, number), 0)

    def _address(self, name: str, number: int = 0) -> int:
        return self._get(f"{name}_HI", number) << 32 | self._get(f"{name}_LO", number)

    def _reset(self, pending: int) -> None:
        """A reset takes no time; only the security and privilege that it asked for remain."""
        self._values = {("PROT", 0): pending & 0b11}
        self.interrupt(high=False)

    def _control_counters(self, value: int, row: NpuRegister) -> None:
        self._values["PMCR", 0] = value & row.writable
        if value & Pmcr.RESET_EVENTS:
            self._values |= {("PMEVCNTR", number): 0 for number in range(EVENTS)}
        if value & Pmcr.RESET_CYCLES:
            self._values |= {("PMCCNTR_LO", 0): 0, ("PMCCNTR_HI", 0): 0}

    def _count(self, stream: bytes) -> None:
        """Let the counters that are enabled count what a stream took; 48 bits of cycles, 32 of each event."""
        enabled = self._get("PMCNTENSET")
        if not (self._get("PMCR") & Pmcr.ENABLED and enabled):
            return
        counts = self.counts(stream)
        if enabled & CYCLES_ENABLED:
            cycles = (self._address("PMCCNTR") + counts.get("cycles", 0)) & ((1 << 48) - 1)
            self._values |= {("PMCCNTR_LO", 0): cycles & 0xFFFF_FFFF, ("PMCCNTR_HI", 0): cycles >> 32}
        for number in range(EVENTS):
            if enabled >> number & 1:
                what = COUNTED.get(self._get("PMEVTYPER", number), "")
                value = self._get("PMEVCNTR", number) + counts.get(what, 0)
                self._values["PMEVCNTR", number] = value & 0xFFFF_FFFF

    def _command(self, value: int, row: NpuRegister) -> None:
        self._values["CMD", 0] = value & row.writable
        if value & Cmd.CLEAR_IRQ:
            self._values["STATUS", 0] = self._get("STATUS") & ~Status.IRQ
            self.interrupt(high=False)
        if value & Cmd.RUN:
            self._run()

    def _run(self) -> None:
        address, size = self._address("QBASE"), self._get("QSIZE")
        bases = {number: self._address("BASEP", number) for number in range(REGION_BASES)}
        try:
            stream = self.memory.read(address, size)
            executed = self.streams.run(self.product.config_word(self.macs), stream, bases, self.memory)
        except SimulatorError as error:
            self.faults.append(error)
            kind = Status.PARSE_ERROR if isinstance(error, StreamError) else Status.BUS_ERROR
            self._values["STATUS", 0] = kind | Status.IRQ
        else:
            self.runs.append(StreamRun(stream, address, tuple(executed)))
            self._count(stream)
            self._values["QREAD", 0] = size
            self._values["STATUS", 0] = Status.END_REACHED | Status.IRQ
        self.interrupt(high=True)
