"""Each form of a Thumb load or store does in our hands what the processor does with it; everything else is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.elf_file import find_symbol
from targets.fvp.qemu_machine import QemuMachine
from targets.gdb.processor import NAMES, AccessInPlace
from targets.gdb.thumb import MemoryAccess, NotDecoded, decode, next_it_state
from tests.targets.gdb import toolchain

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

FORMS = (
    "str r0, [r1, #124]", "ldr r0, [r1, #124]", "str r7, [r6]", "ldr r3, [r3, #4]",
    "strb r0, [r1, #31]", "ldrb r0, [r1, #31]", "strh r0, [r1, #62]", "ldrh r0, [r1, #62]",
    "str r0, [r1, r2]", "ldr r0, [r1, r2]", "strb r0, [r1, r2]", "ldrb r0, [r1, r2]", "strh r0, [r1, r2]", "ldrh r0, [r1, r2]",
    "ldrsb r0, [r1, r2]", "ldrsh r0, [r1, r2]", "str r0, [sp, #1020]", "ldr r0, [sp, #1020]",
    "str.w r8, [r9, #4]", "ldr.w r8, [r9, #0xf00]", "str.w r0, [r1, #-4]", "ldr.w r0, [r1, #-252]",
    "str r0, [r1, #4]!", "ldr r0, [r1, #4]!", "str r0, [r1, #-8]!", "ldr r0, [r1, #-8]!",
    "str r0, [r1], #4", "ldr r0, [r1], #4", "str r0, [r1], #-8", "ldr r0, [r1], #-8",
    "str.w r0, [r1, r2, lsl #2]", "ldr.w r0, [r1, r2, lsl #3]", "ldr.w r12, [sp, r2]", "ldr.w r0, [r1, r10, lsl #1]",
    "strb.w r0, [r1, #0x123]", "ldrb.w r8, [r1, #0x123]", "ldrsb.w r0, [r1, #0x124]", "ldrsb r0, [r1, #-3]",
    "strb r0, [r1], #1", "ldrb r0, [r1, #1]!", "ldrsb r0, [r1], #-1", "ldrsb.w r8, [r1, r2, lsl #1]",
    "strh.w r0, [r1, #0x122]", "ldrh.w r8, [r1, #0x122]", "ldrsh.w r0, [r1, #0x124]", "ldrsh r0, [r1, #-2]",
    "strh r0, [r1], #2", "ldrh r0, [r1, #2]!", "ldrsh r0, [r1], #-2", "ldrsh.w r8, [r1, r2, lsl #1]",
    "strd r0, r3, [r1, #8]", "ldrd r0, r3, [r1, #8]", "strd r0, r3, [r1, #-8]", "ldrd r0, r3, [r1, #-8]",
    "strd r0, r3, [r1, #16]!", "ldrd r0, r3, [r1, #16]!", "strd r0, r3, [r1], #-16", "ldrd r0, r3, [r1], #16",
    "ldrd r1, r3, [r1, #8]", "ldrd r8, r12, [sp, #24]", "str lr, [r1, #8]", "ldr lr, [r1, #8]",
)  # fmt: skip
"""Every encoding, each with and without a sign, up and down, and with low and high registers."""

REFUSED = {
    "ldr r0, =0x12345678": "LDR \\(literal\\)", "ldr.w r8, Reset_Handler": "a load relative to pc",
    "push {r0, lr}": "PUSH", "pop {r0, pc}": "POP", "stmia r1!, {r0, r2}": "STM", "ldmia r1, {r0, r1}": "LDM",
    "ldmia.w r1, {r0, r8}": "LDM or STM of 32 bits", "ldr pc, [r1]": "a load into pc", "pld [r1]": "a preload",
    "ldrt r0, [r1, #4]": "unprivileged", "strbt r0, [r1]": "unprivileged", "ldrex r0, [r1]": "an exclusive",
    "strex r0, r2, [r1]": "an exclusive", "lda r0, [r1]": "acquiring", "stl r0, [r1]": "releasing",
    "tbb [r1, r2]": "table branch", "vldr s0, [r1]": "floating-point", "vstr d0, [r1, #8]": "floating-point",
    "vldmia r1!, {s0-s3}": "floating-point", "vstrw.32 q0, [r1]": "vector", "vldrb.s32 q1, [r1, #4]": "vector",
    "adds r0, r1, r2": "no load or store", "mov.w r0, #1": "no load or store", "bx lr": "no load or store",
    "bl Reset_Handler": "no load or store", "nop": "no load or store",
}  # fmt: skip

VALUES = {
    0: 0xDEAD_BE8F, 1: 0x2000_0180, 2: 0x24, 3: 0x2000_0204, 6: 0x2000_0260, 7: 0x8899_AABB, 8: 0x0102_0304, 9: 0x2000_0084,
    10: 0x10, 12: 0x1357_9BDF, 13: 0x2000_0200, 14: 0x8000_0001,
}  # fmt: skip
FLAGS = 0x4100_0000
"""Thumb, and Z set: `eq` holds."""
PAGE_BYTES = 0x1000
PATTERN = bytes((17 * place + place // 7) & 0xFF for place in range(PAGE_BYTES))
IT_BLOCKS = (
    "it eq; ldreq r0, [r1]", "itt eq; ldreq r0, [r1]; ldreq r3, [r1, #4]", "itete eq; streq r0, [r1]; movne r2, #1; "
    "ldreq.w r8, [r9, #4]; movne r3, #2", "itttt eq; moveq r2, #4; ldreq r0, [r1, r2]; ldrdeq r0, r3, [r1, #8]; moveq r2, #5",
)  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QemuMachine]:
    toolchain.require()
    folder = tmp_path_factory.mktemp("thumb")
    one_each = [f"form{number}: {form}\n nop.w" for number, form in enumerate(FORMS)]
    refused = [f"refused{number}: {form}\n nop.w" for number, form in enumerate(REFUSED)]
    blocks = [f"block{number}: {block.replace(';', chr(10))}\n nop.w" for number, block in enumerate(IT_BLOCKS)]
    labels = "\n".join(f".global {line.partition(':')[0]}" for line in (*one_each, *refused, *blocks))
    source = "\n".join(["function Reset_Handler", " b Reset_Handler", *one_each, *refused, *blocks, labels])
    firmware = toolchain.linked(folder, source)
    with toolchain.machine(folder, firmware) as found:
        yield found


@dataclass
class Page:
    """A device that is plain memory."""

    content: bytearray = field(default_factory=lambda: bytearray(PATTERN))

    def read(self, offset: int, width: int) -> int:
        return int.from_bytes(self.content[offset : offset + width], "little")

    def write(self, offset: int, width: int, value: int) -> None:
        self.content[offset : offset + width] = value.to_bytes(width, "little")


def label(machine: QemuMachine, name: str) -> int:
    found = find_symbol(machine.folder / "firmware.elf", name)
    assert found
    return found[0] & ~1


def prepare(machine: QemuMachine, pc: int) -> None:
    for number, value in VALUES.items():
        machine.gdb.set_register(NAMES[number], value)
    machine.gdb.set_register("xpsr", FLAGS)
    machine.gdb.set_register("pc", pc)
    machine.gdb.write(toolchain.DATA, PATTERN)


def state(machine: QemuMachine) -> dict[str, int]:
    return {name: machine.gdb.register(name) for name in (*NAMES.values(), "xpsr")}


@pytest.mark.parametrize("number", range(len(FORMS)), ids=list(FORMS))
def test_each_form_leaves_registers_and_memory_as_the_processor_does(number: int, machine: QemuMachine) -> None:
    pc = label(machine, f"form{number}")
    prepare(machine, pc)
    machine.gdb.step()
    expected, memory = state(machine), machine.gdb.read(toolchain.DATA, PAGE_BYTES)
    assert expected != {**state(machine), "pc": pc}
    prepare(machine, pc)
    page = Page()
    AccessInPlace(machine.gdb, {toolchain.DATA: page}).perform(pc)
    assert state(machine) == expected
    assert bytes(page.content) == memory


@pytest.mark.parametrize("number", range(len(IT_BLOCKS)), ids=list(IT_BLOCKS))
def test_conditions_of_a_block_go_on_behind_an_access_that_was_done_in_its_place(number: int, machine: QemuMachine) -> None:
    start = label(machine, f"block{number}")
    prepare(machine, start)
    for _ in range(IT_BLOCKS[number].count(";") + 1):
        machine.gdb.step()
    expected, memory = state(machine), machine.gdb.read(toolchain.DATA, PAGE_BYTES)
    prepare(machine, start)
    page, done = Page(), 0
    accesses = AccessInPlace(machine.gdb, {toolchain.DATA: page})
    while (pc := machine.gdb.register("pc")) < expected["pc"]:
        try:
            accesses.perform(pc)
            done += 1
        except NotDecoded:
            machine.gdb.step()
    assert done, "no access was done in its place"
    assert state(machine) == expected
    assert bytes(page.content) == memory


@pytest.mark.parametrize(("number", "words"), list(enumerate(REFUSED.values())), ids=list(REFUSED))
def test_what_is_no_access_of_integer_registers_is_refused_by_name(number: int, words: str, machine: QemuMachine) -> None:
    code = machine.gdb.read(label(machine, f"refused{number}"), 4)
    with pytest.raises(NotDecoded, match=words):
        decode(int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little"))


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_two_halfwords_are_an_access_or_are_refused(first: int, second: int) -> None:
    try:
        found = decode(first, second)
    except NotDecoded:
        return
    assert isinstance(found, MemoryAccess)
    assert 15 not in (found.base, found.index, *found.registers)
    assert found.size in (2, 4)
    assert found.width in (1, 2, 4)


def test_outside_a_block_the_status_stays_as_it_is() -> None:
    assert next_it_state(0x6100_0003) == 0x6100_0003
