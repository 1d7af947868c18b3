"""The test board of a test session: started once, gone with the session, described by a targets.toml."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from conversion.profile_files import load_profile
from targets.fvp.firmware import packaged_firmware
from targets.fvp.platforms import corstone, platform_of
from targets.kinds import TargetOptions
from tests.checkout import CHECKOUT
from tests.targets.fvp import lane

NAME = "test-board"


@functools.cache
def board(profile: str) -> tuple[int, str]:
    """The port of the test board's GDB server, and the firmware's serial port; it is started with the first question."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.targets.gdb.board", profile], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        cwd=CHECKOUT, start_new_session=True,
    )  # fmt: skip
    atexit.register(process.wait, 20)
    atexit.register(process.terminate)  # first, as what was registered last
    assert process.stdout
    port, serial = process.stdout.readline().split()
    return int(port), serial


def table(profile: str, **changed: object) -> str:
    """The board's table of targets.toml."""
    found = load_profile(profile)
    layout = corstone(found)
    keys: dict[str, object] = {
        "server": f"127.0.0.1:{board(profile)[0]}",
        "firmware": str(packaged_firmware(platform_of(found, "")).path),
        "before": ["reset halt"],
        "vectors": "0x0",
        "model": f"{layout.model_address:#x}", "model_bytes": layout.model_bytes,
        "input": f"{layout.input_address:#x}", "input_bytes": layout.input_bytes,
        "output": f"{layout.output_address:#x}", "output_bytes": layout.output_bytes,
        "npu": "0x58102000",
        "seconds": 240,  # the board's simulator may have to be compiled first
        **changed,
    }  # fmt: skip
    return "\n".join([f"[gdb.{NAME}]", *(f"{key} = {_toml(value)}" for key, value in keys.items() if value is not None)])


@functools.cache
def _folder() -> Path:
    """A folder for the contract's targets file, made before a test says where temporary files go."""
    place = tempfile.mkdtemp(prefix="ethos-bench-gdb-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def options(profile: str, folder: Path | None = None, **changed: object) -> TargetOptions:
    """Options whose targets file has the board."""
    path = (folder or _folder()) / "targets.toml"
    path.write_text(table(profile, **changed))
    return TargetOptions(threads=1, targets_file=path)


def contract_row(profile: str) -> str:
    """Why the board cannot be here, "" when it is."""
    lane.require()
    lane.require_firmware(load_profile(profile))
    board(profile)
    _folder()
    return ""
