"""The PMU of the NPU behind its registers: it counts what is enabled, by the chosen events, and wraps as hardware does.

Covers targets.fvp.npu_counts, targets.fvp.npu_device, ethosu_simulator.timing.streams.
"""

from __future__ import annotations

from collections.abc import Mapping

from targets.fvp.npu_device import NpuDevice
from targets.fvp.npu_registers import PRODUCTS
from targets.fvp.npu_streams import StreamCache

QBASE_LO, QSIZE, CMD, STATUS = 0x010, 0x020, 0x008, 0x004
PMCR, PMCNTENSET, PMCNTENCLR, CYCLES_LO, CYCLES_HI = 0x180, 0x184, 0x188, 0x1A0, 0x1A4
EVENT, EVENT_TYPE = 0x300, 0x380
ACTIVE, AXI1_READ, NPU_IDLE = 0x23, 0x182, 0x20
STOP = (0xFFFF_0000).to_bytes(4, "little")


class Stops:
    """Memory that is full of NPU_OP_STOP."""

    def read(self, address: int, length: int) -> bytes:
        return STOP * (length // 4)

    def write(self, address: int, data: bytes) -> None:
        raise AssertionError("a stream that only stops writes nothing")


def device(counts: Mapping[str, int]) -> NpuDevice:
    return NpuDevice(PRODUCTS["ethos-u55"], 128, Stops(), lambda *, high: None, StreamCache(), lambda _: counts)


def run(npu: NpuDevice) -> None:
    npu.write(QSIZE, 4, 4)
    npu.write(CMD, 4, 1)
    assert npu.read(STATUS, 4) >> 5 & 1, "the stream did not come to its end"


def counted(npu: NpuDevice) -> tuple[int, list[int]]:
    return npu.read(CYCLES_HI, 4) << 32 | npu.read(CYCLES_LO, 4), [npu.read(EVENT + 4 * number, 4) for number in range(4)]


def enabled(npu: NpuDevice, mask: int = 0x8000_000F) -> NpuDevice:
    for number, event in enumerate((ACTIVE, AXI1_READ, NPU_IDLE, 0)):
        npu.write(EVENT_TYPE + 4 * number, 4, event)
    npu.write(PMCR, 4, 1)
    npu.write(PMCNTENSET, 4, mask)
    return npu


def test_counters_add_up_what_their_events_counted_and_0_for_what_nobody_counts() -> None:
    npu = enabled(device({"cycles": 1000, "axi1_read": 7}))
    run(npu)
    run(npu)
    assert counted(npu) == (2000, [2000, 14, 0, 0])


def test_a_counter_that_is_not_enabled_stands_still() -> None:
    npu = enabled(device({"cycles": 1000, "axi1_read": 7}), mask=0b10)
    run(npu)
    assert counted(npu) == (0, [0, 7, 0, 0])
    npu.write(PMCNTENCLR, 4, 0b10)
    run(npu)
    assert counted(npu) == (0, [0, 7, 0, 0])


def test_nothing_counts_while_the_whole_pmu_is_off() -> None:
    npu = enabled(device({"cycles": 1000}))
    npu.write(PMCR, 4, 0)
    run(npu)
    assert counted(npu) == (0, [0, 0, 0, 0])


def test_resets_of_cycles_and_of_events_are_apart() -> None:
    npu = enabled(device({"cycles": 5}))
    run(npu)
    npu.write(PMCR, 4, 0b011)
    assert counted(npu) == (5, [0, 0, 0, 0])
    npu.write(PMCR, 4, 0b101)
    assert counted(npu) == (0, [0, 0, 0, 0])


def test_cycles_have_48_bits_and_events_32() -> None:
    npu = enabled(device({"cycles": (1 << 48) + (1 << 33) + 3}))
    run(npu)
    assert counted(npu) == ((1 << 33) + 3, [3, 0, 0, 0])
