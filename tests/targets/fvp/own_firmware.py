"""A firmware of a user's own for Corstone-300: Arm's runner linked anew around a program that runs two models.

Debian's binutils are enough: the runner's segments are the code, and its `MainLoop` is called by another `main`, again and
again, with another model and input in the places of the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.records.profile import Corstone
from targets.elf_file import find_symbol, segments
from tests.targets.gdb.toolchain import run_tool

MAIN, MAIN_LOOP, PLATFORM_INIT = "main", "_Z8MainLoopv", "__hal_platform_init_veneer"
WRITE, WRITTEN = "_write", bytes.fromhex("10467047")
"""MOV r0, r2; BX lr: a `_write` that prints nothing and says that it wrote everything."""
KEPT = ("_exit", "Reset_Handler", "HardFault_Handler")
ARENA = "_ZN3arm3appL13activationBufE"
OWN_CODE = 0x7_0000
"""In the 512 KiB of instruction memory, behind the runner's code."""
DDR, MODELS, STASH = 0x7000_0000, 0x9800_0000, 0x9A00_0000
STASH_BYTES = 0x4_0000

OTHER, OWN, INFERENCE = "other", "own", "inference"
"""What a program may do: put the other model in place, put the job's back, run what is there."""

TEMPLATE = """
    .syntax unified
    .arch armv8.1-m.main
    .thumb
    .macro copy to, from, bytes
    ldr r0, =\\to
    ldr r1, =\\from
    ldr r2, =\\bytes
    bl move
    .endm
    .macro inference
    bl itcm + {main_loop:#x}
    .endm
    .macro other
    copy {model:#x}, other_model, {other_model_bytes:#x}
    copy {input:#x}, other_input, {other_input_bytes:#x}
    .endm
    .macro own
    copy {model:#x}, {stash:#x}, {stash_bytes:#x}
    copy {input:#x}, {stash:#x} + {stash_bytes:#x}, {stash_bytes:#x}
    .endm
    .section .itcm, "ax"
itcm:
    .incbin "code.bin", 0, {main:#x}
    b.w program
    .incbin "code.bin", {main:#x} + 4
    .org {own_code:#x}
    .thumb_func
program:
    push {{r4, lr}}
    bl itcm + {platform_init:#x}
    copy {stash:#x}, {model:#x}, {stash_bytes:#x}
    copy {stash:#x} + {stash_bytes:#x}, {input:#x}, {stash_bytes:#x}
    {program}
    movs r0, #{status}
    pop {{r4, pc}}
    .thumb_func
move:
    subs r2, #4
    ldr r3, [r1, r2]
    str r3, [r0, r2]
    bne move
    bx lr
    .ltorg
{symbols}
    .section .ddr, "ax"
    .incbin "ddr.bin"
    .section .models, "a"
other_model: .incbin "other_model.bin"
other_input: .incbin "other_input.bin"
"""


@dataclass(frozen=True)
class Program:
    """What the firmware does, word by word, the status that it ends with, and whether it prints nothing."""

    words: tuple[str, ...]
    status: int = 0
    silent: bool = False


def linked(folder: Path, runner: Path, layout: Corstone, other: tuple[bytes, bytes], program: Program) -> Path:
    """The ELF file of Arm's runner with another `main`; `other` are model and input."""
    code, *rest = sorted(segments(runner), key=lambda one: one.address)
    assert (code.address, rest[0].address) == (0, DDR)
    if program.silent:
        at = _address(runner, WRITE)
        code = replace(code, data=code.data[:at] + WRITTEN + code.data[at + len(WRITTEN) :])
    parts = {name: data + bytes(-len(data) % 16) for name, data in zip(("other_model", "other_input"), other, strict=True)}
    for name, data in parts.items():
        (folder / f"{name}.bin").write_bytes(data)
    (folder / "code.bin").write_bytes(code.data)
    (folder / "ddr.bin").write_bytes(b"".join(one.data for one in rest))
    source = TEMPLATE.format(
        main=_address(runner, MAIN), main_loop=_address(runner, MAIN_LOOP), platform_init=_address(runner, PLATFORM_INIT),
        own_code=OWN_CODE, stash=STASH, stash_bytes=STASH_BYTES, model=layout.model_address, input=layout.input_address,
        program="\n    ".join(program.words), status=program.status,
        **{f"{name}_bytes": len(data) for name, data in parts.items()},
        symbols="\n".join(_symbol(name, f"itcm + {_address(runner, name):#x}") for name in KEPT)
        + f"\n{_symbol(ARENA, f'{_address(runner, ARENA):#x}', layout.arena_bytes)}",
    )  # fmt: skip
    text, part, whole = (folder / f"own.{ending}" for ending in ("s", "o", "elf"))
    text.write_text(source)
    run_tool("arm-none-eabi-as", "-mthumb", "-I", str(folder), "-o", str(part), str(text))
    places = (f"--section-start=.{name}={at:#x}" for name, at in (("itcm", 0), ("ddr", DDR), ("models", MODELS)))
    run_tool("arm-none-eabi-ld", *places, "-e", "Reset_Handler", "-o", str(whole), str(part))
    return whole


def _address(runner: Path, name: str) -> int:
    found = find_symbol(runner, name)
    assert found, name
    return found[0] & ~1


def _symbol(name: str, value: str, size: int = 2) -> str:
    return f"    .global {name}\n    .set {name}, {value}\n    .type {name}, %object\n    .size {name}, {size}"
