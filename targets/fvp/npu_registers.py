"""The registers that a processor sees of an Ethos-U55 or U65, as data, and what the products answer in them.

Source: the interface headers of Arm's driver, ethos-u-core-driver `src/ethosu55_interface.h` and `src/ethosu65_interface.h`
(Apache-2.0), for names, offsets and bits; the accesses of Arm's prebuilt inference runner 26.03.0 for what a driver uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Access = Literal["read", "write", "both"]

WINDOW_BYTES = 0x1000
"""The size of the NPU's place in the address map."""
EVENTS = 4
"""Event counters of the PMU."""
REGION_BASES = 8


@dataclass(frozen=True)
class NpuRegister:
    """A register of 32 bits, or `count` of them `step` bytes apart; `writable` are the bits that keep what is written."""

    name: str
    offset: int
    access: Access
    writable: int = 0xFFFF_FFFF
    count: int = 1
    step: int = 4


@dataclass(frozen=True)
class Pmcr:
    """Bits of PMCR."""

    ENABLED = 1 << 0
    RESET_EVENTS = 1 << 1
    RESET_CYCLES = 1 << 2
    MASK = 1 << 3


CYCLES_ENABLED = 1 << 31
"""Of PMCNTENSET: the cycle counter. Bit n is event counter n."""
COUNTED: Mapping[int, str] = {
    0x11: "cycles", 0x23: "cycles", 0x82: "axi0_read", 0x87: "axi0_write", 0x182: "axi1_read",
}  # fmt: skip
"""The number of an event -> what it counts, of those that a cycle model gives. Source: ethos-u-core-driver
`include/pmu_ethosu.h` (Apache-2.0): CYCLE, NPU_ACTIVE, AXI0_RD_DATA_BEAT_RECEIVED, AXI0_WR_DATA_BEAT_WRITTEN,
AXI1_RD_DATA_BEAT_RECEIVED."""
EVENT_COUNTERS: Mapping[int, str] = {
    0x23: "active_cycles", 0x82: "axi0_read_beats", 0x87: "axi0_write_beats", 0x182: "axi1_read_beats",
}  # fmt: skip
"""The number of an event -> our name of its counter."""

REGISTERS = (
    NpuRegister("ID", 0x000, "read"),
    NpuRegister("STATUS", 0x004, "read"),
    NpuRegister("CMD", 0x008, "both", 0b1100),
    NpuRegister("RESET", 0x00C, "write"),
    NpuRegister("QBASE_LO", 0x010, "both"),
    NpuRegister("QBASE_HI", 0x014, "both", 0xFF),
    NpuRegister("QREAD", 0x018, "read"),
    NpuRegister("QCONFIG", 0x01C, "both"),
    NpuRegister("QSIZE", 0x020, "both"),
    NpuRegister("PROT", 0x024, "read"),
    NpuRegister("CONFIG", 0x028, "read"),
    NpuRegister("LOCK", 0x02C, "both"),
    NpuRegister("REGIONCFG", 0x03C, "both", 0xFFFF),
    NpuRegister("AXI_LIMIT", 0x040, "both", count=4),
    NpuRegister("BASEP_LO", 0x080, "both", count=REGION_BASES, step=8),
    NpuRegister("BASEP_HI", 0x084, "both", 0xFF, count=REGION_BASES, step=8),
    NpuRegister("PMCR", 0x180, "both", Pmcr.ENABLED | Pmcr.MASK),
    NpuRegister("PMCNTENSET", 0x184, "both"),
    NpuRegister("PMCNTENCLR", 0x188, "both"),
    NpuRegister("PMOVSSET", 0x18C, "both"),
    NpuRegister("PMOVSCLR", 0x190, "both"),
    NpuRegister("PMINTSET", 0x194, "both"),
    NpuRegister("PMINTCLR", 0x198, "both"),
    NpuRegister("PMCCNTR_LO", 0x1A0, "both"),
    NpuRegister("PMCCNTR_HI", 0x1A4, "both", 0xFFFF),
    NpuRegister("PMCCNTR_CFG", 0x1A8, "both"),
    NpuRegister("PMCAXI_CHAN", 0x1AC, "both"),
    NpuRegister("PMEVCNTR", 0x300, "both", count=EVENTS),
    NpuRegister("PMEVTYPER", 0x380, "both", 0x3FF, count=EVENTS),
)

BY_OFFSET: Mapping[int, tuple[NpuRegister, int]] = {
    row.offset + number * row.step: (row, number) for row in REGISTERS for number in range(row.count)
}
"""The register and its number at an offset."""


@dataclass(frozen=True)
class Status:
    """Bits of STATUS."""

    RUNNING = 1 << 0
    IRQ = 1 << 1
    BUS_ERROR = 1 << 2
    RESETTING = 1 << 3
    PARSE_ERROR = 1 << 4
    END_REACHED = 1 << 5


@dataclass(frozen=True)
class Cmd:
    """Bits of CMD."""

    RUN = 1 << 0
    CLEAR_IRQ = 1 << 1
    STOP = 1 << 4


@dataclass(frozen=True, kw_only=True)
class Product:
    """What one NPU answers: the architecture whose streams it takes, and the KiB of its SHRAM by its MACs per cycle.

    `number` is CONFIG's product field; `revision` are ID's fields major, minor and product major.
    """

    npu: str
    number: int
    arch: tuple[int, int, int]
    revision: tuple[int, int, int]
    shram_kib: Mapping[int, int]

    @property
    def id_word(self) -> int:
        """The ID register."""
        (major, minor, patch), (revision, step, product) = self.arch, self.revision
        return major << 28 | minor << 20 | patch << 16 | product << 12 | revision << 8 | step << 4 | 1

    def config_word(self, macs: int) -> int:
        """The CONFIG register of the NPU with so many MACs; KeyError when there is none."""
        return self.number << 28 | self.shram_kib[macs] << 8 | (macs.bit_length() - 1)


PRODUCTS: Mapping[str, Product] = {
    row.npu: row
    for row in (
        Product(npu="ethos-u55", number=0, arch=(1, 1, 0), revision=(2, 0, 4), shram_kib={32: 16, 64: 16, 128: 24, 256: 48}),
        Product(npu="ethos-u65", number=1, arch=(1, 0, 6), revision=(0, 0, 5), shram_kib={256: 48, 512: 96}),
    )
}
"""The U85 counts and addresses otherwise, and no emulated system has memory where its firmware wants it."""
