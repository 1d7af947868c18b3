"""The lane `qemu`: whether it is there, and what its tests share."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path

import pytest

from conversion.profile_files import load_profile
from core.cache import cache_root
from core.errors import ToolMissing
from core.records.artefact import Artefact
from core.records.profile import Profile
from targets.fvp.firmware import packaged_firmware
from targets.fvp.platforms import platform_of
from targets.kinds import TargetOptions
from tests.checkout import CHECKOUT


@functools.cache
def missing() -> str:
    """Why the lane is not there, "" when it is."""
    return "" if shutil.which("qemu-system-arm") else "no qemu-system-arm (apt-get install qemu-system-arm)"


def require() -> None:
    """Skip without the lane; fail where it is required."""
    reason = missing()
    if reason and "qemu" in os.environ.get("ETHOS_BENCH_REQUIRE_LANES", "").split(","):
        pytest.fail(f"ETHOS_BENCH_REQUIRE_LANES names qemu: {reason}")
    if reason:
        pytest.skip(reason)


def unusable() -> str:
    """Why the stand-in cannot be used, "" when it can; fails where the lane is required."""
    require()
    require_firmware(load_profile("ethos-u65-256"))
    return ""


def require_firmware(profile: Profile) -> Path:
    """Arm's inference runner for a profile; skips where no package index gives it, fails where the lane is required."""
    try:
        return packaged_firmware(platform_of(profile, "")).path
    except ToolMissing as error:
        if "qemu" in os.environ.get("ETHOS_BENCH_REQUIRE_LANES", "").split(","):
            raise
        pytest.skip(str(error))


def stand_in(folder: Path, name: str, models: Path | None = None) -> Path:
    """An executable of an FVP's name that runs stand_in.py; `models` is where it finds plain files for compiled ones."""
    path, script = folder / name, Path(__file__).with_name("stand_in.py")
    known = f"STAND_IN_MODELS='{models}' " if models else ""
    path.write_text(f"#!/bin/sh\n{known}PYTHONPATH='{CHECKOUT}' exec '{sys.executable}' '{script}' \"$@\"\n")
    path.chmod(0o755)
    return path


def contract_models() -> Path:
    """Where the contract's models lie for the stand-in."""
    folder = cache_root() / "stand-in" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def contract_options(profile: str) -> TargetOptions:
    """The engine `arm` on the stand-in."""
    models = contract_models()
    platform = platform_of(load_profile(profile), "")
    packaged_firmware(platform)
    return TargetOptions(threads=1, fvp_engine="arm", fvp=stand_in(models.parent, platform.binaries[0], models))


def keep_model(artefact: Artefact) -> None:
    """Let the stand-in know the plain file of a compiled one."""
    shutil.copyfile(artefact.source.path, contract_models() / artefact.compilation.compiled.sha256)
