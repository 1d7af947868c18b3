"""Firmware for tests: Thumb source, assembled and linked by Debian's binutils, and QEMU's bare machine to run it on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from targets.fvp.qemu_machine import QEMU, QemuBoard, QemuMachine, started_machine
from tests.targets.fvp import lane

BOARD = QemuBoard("mps3-an547", (), 24)
CODE, DATA = 0x0, 0x2000_0000
START = """
    .syntax unified
    .arch armv8.1-m.main
    .arch_extension mve.fp
    .thumb
    .text
vectors:
    .word 0x20008000
    .word Reset_Handler + 1
    .word 0
    .word HardFault_Handler + 1
    .space 0x200
    .macro function name
    .global \\name
    .type \\name, %function
\\name:
    .endm
"""
LINES_OF_A_FAULT = """
function HardFault_Handler
    b HardFault_Handler
"""


def require() -> None:
    """Skip without QEMU and the assembler; fail where the lane is required."""
    lane.require()
    if shutil.which("arm-none-eabi-as"):
        return
    reason = "no arm-none-eabi-as (apt-get install binutils-arm-none-eabi)"
    if "qemu" in os.environ.get("ETHOS_BENCH_REQUIRE_LANES", "").split(","):
        pytest.fail(f"ETHOS_BENCH_REQUIRE_LANES names qemu: {reason}")
    pytest.skip(reason)


def linked(folder: Path, source: str, name: str = "firmware") -> Path:
    """The ELF file of a source that defines Reset_Handler."""
    text, part, whole = (folder / f"{name}{ending}" for ending in (".s", ".o", ".elf"))
    text.write_text(START + source + ("" if "HardFault_Handler" in source else LINES_OF_A_FAULT))
    run_tool("arm-none-eabi-as", "-mthumb", "-o", str(part), str(text))
    run_tool("arm-none-eabi-ld", f"-Ttext={CODE:#x}", f"-Tdata={DATA:#x}", "-e", "Reset_Handler", "-o", str(whole), str(part))
    return whole


def run_tool(*command: str) -> None:
    """Run one of the binutils; AssertionError with its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def machine(folder: Path, firmware: Path, board: QemuBoard = BOARD) -> Iterator[QemuMachine]:
    """QEMU at the first instruction of a firmware."""
    executable = shutil.which(QEMU)
    assert executable
    with started_machine(executable, board, firmware, {}, folder) as found:
        yield found
