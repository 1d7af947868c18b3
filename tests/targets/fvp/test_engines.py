"""Which engine runs a profile: the one that was forced, else the first that is there; and every choice says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.profile_files import load_profile
from core.errors import TargetUnavailable, ToolMissing
from core.records.profile import Profile
from targets.fvp import qemu, target
from targets.fvp.firmware import Firmware
from targets.fvp.platforms import Platform
from targets.fvp.target import Fvp
from targets.kinds import TargetOptions

U55, U85 = load_profile("ethos-u55-128"), load_profile("ethos-u85-256")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH, on a machine where nothing is installed."""
    for name in ("PATH", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("ETHOS_BENCH_FVP", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(target, "packaged_firmware", _firmware)
    qemu.version.cache_clear()
    return tmp_path


def _firmware(platform: Platform) -> Firmware:
    return Firmware(Path(platform.runner), "0" * 64, "a test", 1 << 21)


def executable(path: Path, text: str = "") -> None:
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)


def fvp(engine: str = "", name: str = "") -> Fvp:
    return Fvp.from_spec(name, TargetOptions(threads=1, fvp_engine=engine))  # type: ignore[arg-type]


def test_nothing_there_leaves_our_simulator_and_says_what_is_missing(path: Path) -> None:
    assert fvp().engine(U55) == "open"
    said = fvp().describe(U55)
    assert "engine open, our simulator: no FVP_Corstone_SSE-300_Ethos-U55 found" in said
    assert "no qemu-system-arm on PATH" in said


def test_qemu_is_taken_before_our_simulator_and_arms_fvp_before_qemu(path: Path) -> None:
    executable(path / "qemu-system-arm", "QEMU emulator version 9.8.7 (Debian)")
    assert fvp().engine(U55) == "qemu"
    assert "engine qemu, QEMU 9.8.7 mps3-an547 and our NPU: no FVP_Corstone_SSE-300_Ethos-U55" in fvp().describe(U55)
    executable(path / "FVP_Corstone_SSE-300_Ethos-U55")
    assert fvp().engine(U55) == "arm"


def test_a_platform_that_qemu_has_not_is_left_to_our_simulator(path: Path) -> None:
    executable(path / "qemu-system-arm", "QEMU emulator version 9.8.7")
    assert fvp().engine(U85) == "open"
    assert "QEMU has no machine for Corstone SSE-320 with an ethos-u85" in fvp().describe(U85)


def test_a_firmware_that_cannot_be_had_leaves_our_simulator_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(platform: Platform) -> Firmware:
        raise ToolMissing("Arm's inference runner could not be fetched: no network")

    monkeypatch.setattr(target, "packaged_firmware", unreachable)
    executable(path / "qemu-system-arm", "QEMU emulator version 9.8.7")
    assert fvp().engine(U55) == "open"
    assert "could not be fetched: no network" in fvp().describe(U55)


def test_a_choice_is_made_once_for_each_profile(path: Path) -> None:
    one = fvp()
    assert one.engine(U55) == "open"
    executable(path / "qemu-system-arm", "QEMU emulator version 9.8.7")
    assert one.engine(U55) == "open"


@pytest.mark.parametrize(
    ("engine", "profile", "words"),
    [
        ("arm", U55, "no Arm FVP for ethos-u55-128"),
        ("qemu", U55, "engine qemu: no qemu-system-arm on PATH"),
        ("qemu", U85, "engine qemu: QEMU has no machine for Corstone SSE-320"),
    ],
    ids=["arm", "qemu", "platform"],
)  # fmt: skip
def test_a_forced_engine_that_is_not_there_is_an_error_with_the_way_out(
    engine: str, profile: Profile, words: str, path: Path
) -> None:
    with pytest.raises(TargetUnavailable, match=words) as caught:
        fvp(engine).engine(profile)
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_a_forced_engine_is_taken_although_a_better_one_is_there(path: Path) -> None:
    executable(path / "qemu-system-arm", "QEMU emulator version 9.8.7")
    executable(path / "FVP_Corstone_SSE-300_Ethos-U55")
    assert [fvp(engine).engine(U55) for engine in ("arm", "qemu", "open")] == ["arm", "qemu", "open"]
