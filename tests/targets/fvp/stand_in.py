"""Not an FVP: an executable with an FVP's name and command line that runs the firmware on an emulated Cortex-M55 (QEMU).

QEMU has no Ethos-U, so the firmware is a copy whose NPU initialisation returns at once, and only plain TFLite models run.
What it does besides, is said in the environment: STAND_IN_MODEL (a plain int8 file to run in place of the compiled one),
STAND_IN_MODELS (a folder of such files, each called by the SHA-256 of the compiled one) and STAND_IN_MODE: unpatched, hang,
half-log, licence, quiet-failure, wrong-byte, no-dump, unknown-parameter.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from targets.elf_file import find_symbol

MACHINE = ("-M", "mps3-an547", "-display", "none", "-monitor", "none", "-serial", "stdio")
NPU_INIT = "arm_ethosu_npu_init"
RETURN_ZERO = bytes.fromhex("00207047")
"""Thumb: `movs r0, #0; bx lr`."""
END = b"\x04"


def patched(firmware: Path, folder: Path) -> Path:
    """A copy of a firmware that finds its NPU initialised without looking."""
    from elftools.elf.elffile import ELFFile

    content = bytearray(firmware.read_bytes())
    symbol = find_symbol(firmware, NPU_INIT)
    assert symbol, f"{firmware} has no {NPU_INIT}"
    address = symbol[0] & ~1
    with firmware.open("rb") as file:
        offset = next(iter(ELFFile(file).address_offsets(address)))
    content[offset : offset + 4] = RETURN_ZERO
    copy = folder / "patched.axf"
    copy.write_bytes(content)
    return copy


def qemu_command(firmware: Path, data: list[tuple[str, str]], monitor: Path) -> list[str]:
    """QEMU's command line; `data` are files with their addresses."""
    loaders = [word for file, address in data for word in ("-device", f"loader,file={file},addr={address},force-raw=on")]
    return ["qemu-system-arm", *MACHINE, "-qmp", f"unix:{monitor},server=on,wait=off", "-kernel", str(firmware), *loaders]


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                time.sleep(0.05)
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self.do("qmp_capabilities")

    def do(self, command: str, **arguments: Any) -> None:
        """One command, waited for."""
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while "return" not in (answer := json.loads(self._lines.readline())):
            assert "error" not in answer, answer


def options(arguments: list[str]) -> argparse.Namespace:
    """The FVP's options as far as the target uses them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-C", dest="parameters", action="append", default=[])
    parser.add_argument("-a", dest="firmware", type=Path, required=True)
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--dump", action="append", default=[])
    parser.add_argument("--timelimit", type=int)
    parser.add_argument("--stat", action="store_true")
    return parser.parse_args(arguments)


def plain_model(compiled: str) -> str:
    """The file to run in place of a compiled one, itself when there is none."""
    folder = os.environ.get("STAND_IN_MODELS")
    known = Path(folder) / hashlib.sha256(Path(compiled).read_bytes()).hexdigest() if folder else None
    return str(known) if known and known.is_file() else os.environ.get("STAND_IN_MODEL", compiled)


def main() -> int:
    """Run until the firmware says that it ends, dump what was asked for, and exit as the FVP does: with 0."""
    asked, mode = options(sys.argv[1:]), os.environ.get("STAND_IN_MODE", "")
    if mode == "licence":
        sys.stderr.write("Error: licence checkout failed: no valid licence found. See the EULA.\n")
        return 1
    if mode == "unknown-parameter":
        sys.stderr.write(f"Error: parameter '{asked.parameters[0]}' not found\n")
        return 1
    data = [tuple(one.rsplit("@", 1)) for one in asked.data]
    data[0] = (plain_model(data[0][0]), data[0][1])
    if mode == "quiet-failure":
        Path("broken.tflite").write_bytes(b"not a model at all" * 40)
        data[0] = ("broken.tflite", data[0][1])
    with tempfile.TemporaryDirectory(dir=".") as place:
        folder = Path(place)
        firmware = asked.firmware if mode == "unpatched" else patched(asked.firmware, folder)
        with subprocess.Popen(
            qemu_command(firmware, data, folder / "monitor"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as qemu:
            monitor = Monitor(folder / "monitor")
            try:
                follow(qemu, mode)
                dump(monitor, asked.dump, mode)
            finally:
                qemu.kill()
    return 0


def follow(qemu: subprocess.Popen[bytes], mode: str) -> None:
    """Pass the serial port on, byte by byte as it comes, until the firmware ends."""
    assert qemu.stdout
    said = b""
    while byte := qemu.stdout.read(1):
        said += byte
        if mode == "half-log" and said.endswith(b"<metrics>W3si"):
            return
        sys.stdout.buffer.write(byte)
        if byte == b"\n":
            sys.stdout.buffer.flush()
        if mode == "hang" and said.endswith(b"Allocating tensors\r\n"):
            time.sleep(3600)
        if byte == END:
            sys.stdout.buffer.flush()
            return


def dump(monitor: Monitor, asked: list[str], mode: str) -> None:
    """Write memory to files: INSTANCE=FILE@Memory:ADDRESS,SIZE."""
    for one in asked if mode != "no-dump" else ():
        file, place = one.partition("=")[2].rsplit("@Memory:", 1)
        address, size = place.split(",")
        monitor.do("pmemsave", val=int(address, 0), size=int(size), filename=str(Path(file).absolute()))
        if mode == "wrong-byte":
            content = bytearray(Path(file).read_bytes())
            content[len(content) // 2] ^= 1
            Path(file).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
