"""The Corstone platforms that Arm models with an Ethos-U: their executables, parameters and firmware."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import UsageError
from core.records.profile import Corstone, Npu, Profile


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One FVP: `binaries` are its names as an FVP and as an Arm Virtual Hardware model.

    `package` is the folder that Arm's installer makes, `macs` the parameter for the NPU's size, `headless` the parameters
    that keep it from opening windows and make it end with the firmware, `cpu` the instance that memory is read through,
    `runner` the folder of its firmware in the package mlia-ethos-u.
    """

    name: str
    npu: Npu
    binaries: tuple[str, str]
    package: str
    macs: str
    headless: tuple[str, ...]
    cpu: str
    runner: str


def _names(name: str) -> tuple[str, str]:
    return f"FVP_{name}", f"VHT_{name}"


def _headless(board: str, *more: str) -> tuple[str, ...]:
    return (
        f"{board}.visualisation.disable-visualisation=1",
        *more,
        f"{board}.telnetterminal0.start_telnet=0",
        f"{board}.uart0.out_file=-",
        f"{board}.uart0.shutdown_on_eot=1",
    )


def _runner(platform: str, npu: str) -> str:
    return f"inference_runner-{platform}-26.03.0-tflm-ethos-{npu}-Default-noTA"


MPS3 = _headless("mps3_board")
MPS4 = _headless("mps4_board", "vis_hdlcd.disable_visualisation=1")

PLATFORMS = (
    Platform(
        name="SSE-300", npu="ethos-u55", binaries=_names("Corstone_SSE-300_Ethos-U55"), package="FVP_Corstone_SSE-300",
        macs="ethosu.num_macs", headless=MPS3, cpu="cpu0", runner=_runner("sse-300", "U55"),
    ),
    Platform(
        name="SSE-300", npu="ethos-u65", binaries=_names("Corstone_SSE-300_Ethos-U65"), package="FVP_Corstone_SSE-300",
        macs="ethosu.num_macs", headless=MPS3, cpu="cpu0", runner=_runner("sse-300", "U65"),
    ),
    Platform(
        name="SSE-310", npu="ethos-u55", binaries=_names("Corstone_SSE-310"), package="FVP_Corstone_SSE-310",
        macs="ethosu.num_macs", headless=MPS3, cpu="cpu0", runner=_runner("sse-310", "U55"),
    ),
    Platform(
        name="SSE-310", npu="ethos-u65", binaries=_names("Corstone_SSE-310_Ethos-U65"), package="FVP_Corstone_SSE-310",
        macs="ethosu.num_macs", headless=MPS3, cpu="cpu0", runner=_runner("sse-310", "U65"),
    ),
    Platform(
        name="SSE-320", npu="ethos-u85", binaries=_names("Corstone_SSE-320"), package="FVP_Corstone_SSE-320",
        macs="mps4_board.subsystem.ethosu.num_macs", headless=MPS4, cpu="mps4_board.subsystem.cpu0",
        runner=_runner("sse-320", "U85"),
    ),
)  # fmt: skip
"""Names, parameters and folders as in PyPI mlia-ethos-u 0.2.0, `mlia/backend/corstone/`; `cpu` as in ML embedded evaluation
kit, docs/use_cases/inference_runner.md (300, 310), and in published command lines of Corstone-320."""

NAMES = tuple(dict.fromkeys(platform.name for platform in PLATFORMS))


def require_name(name: str, spec: str) -> None:
    """Raise UsageError when no platform is called that."""
    if name not in NAMES:
        known = ", ".join(f"fvp:{known}" for known in NAMES)
        raise UsageError(f"unknown platform in target `{spec}`", f"fvp, or one of {known}", "--target fvp")


def corstone(profile: Profile) -> Corstone:
    """What the profile says of its Corstone; UsageError when it says nothing."""
    if profile.corstone is None:
        raise UsageError(
            f"profile `{profile.name}` does not say which Corstone carries it",
            "a table [corstone] as in the shipped profiles (conversion/profiles/ethos-u55-256.toml)",
        )
    return profile.corstone


def platform_of(profile: Profile, asked: str) -> Platform:
    """The platform for a profile's NPU: the one that was asked for, "" for the profile's usual one."""
    carried = corstone(profile).platforms
    name = asked or carried[0]
    found = [platform for platform in PLATFORMS if platform.name == name and platform.npu == profile.npu]
    if not found or name not in carried:
        raise UsageError(f"{name} does not carry {profile.accelerator_config}", f"one of {', '.join(carried)}", "--target fvp")
    return found[0]
