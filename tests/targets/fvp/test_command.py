"""Which platform a profile is on, and the command line that starts it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from conversion.profile_files import load_profile, profile_names
from core.errors import UsageError
from targets.fvp.platforms import corstone, platform_of
from targets.fvp.target import Fvp
from targets.kinds import TargetOptions
from tests.targets.fvp.builders import launch


@pytest.mark.parametrize(
    ("profile", "asked", "executable"),
    [
        ("ethos-u55-128", "", "FVP_Corstone_SSE-300_Ethos-U55"),
        ("ethos-u65-512", "", "FVP_Corstone_SSE-300_Ethos-U65"),
        ("ethos-u55-256", "SSE-310", "FVP_Corstone_SSE-310"),
        ("ethos-u65-256", "SSE-310", "FVP_Corstone_SSE-310_Ethos-U65"),
        ("ethos-u85-1024", "", "FVP_Corstone_SSE-320"),
    ],
)
def test_each_npu_has_its_platform(profile: str, asked: str, executable: str) -> None:
    platform = platform_of(load_profile(profile), asked)
    assert platform.binaries == (executable, executable.replace("FVP", "VHT"))


@pytest.mark.parametrize("profile", profile_names())
def test_every_shipped_profile_says_which_corstone_carries_it_and_where_its_data_lie(profile: str) -> None:
    layout = corstone(load_profile(profile))
    assert layout.source
    places = sorted(
        [
            (layout.model_address, layout.model_bytes),
            (layout.input_address, layout.input_bytes),
            (layout.output_address, layout.output_bytes),
        ]
    )
    for (start, size), (following, _) in itertools.pairwise(places):
        assert start + size <= following


def test_a_platform_that_does_not_carry_the_npu_is_refused() -> None:
    with pytest.raises(UsageError, match="SSE-320 does not carry ethos-u55-128"):
        platform_of(load_profile("ethos-u55-128"), "SSE-320")


def test_a_profile_without_a_corstone_says_what_to_write() -> None:
    with pytest.raises(UsageError, match="does not say which Corstone") as caught:
        corstone(replace(load_profile("ethos-u55-128"), corstone=None))
    assert "[corstone]" in caught.value.expected


def test_a_platform_that_nobody_knows_is_a_usage_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="`fvp:sse-999`") as caught:
        Fvp.from_spec("sse-999", TargetOptions(threads=1))
    assert "fvp:SSE-310" in caught.value.expected


def test_the_command_line_of_corstone_300() -> None:
    expected = (
        "/opt/fvp/models/FVP -C mps3_board.visualisation.disable-visualisation=1 -C mps3_board.telnetterminal0.start_telnet=0"
        " -C mps3_board.uart0.out_file=- -C mps3_board.uart0.shutdown_on_eot=1 -C ethosu.num_macs=128 -a /fw/runner.axf"
        " --data model.tflite@0x90000000 --data input.bin@0x92000000 --dump cpu0=output.bin@Memory:0x93000000,4096"
        " --timelimit 60 --stat"
    )
    assert " ".join(launch("ethos-u55-128", limit_s=60).command()) == expected


def test_the_command_line_of_corstone_320() -> None:
    command = launch("ethos-u85-256").command()
    assert "mps4_board.subsystem.ethosu.num_macs=256" in command
    assert "vis_hdlcd.disable_visualisation=1" in command
    assert "mps4_board.subsystem.cpu0=output.bin@Memory:0x93000000,4096" in command
    assert not [word for word in command if "mps3" in word]


def test_no_run_asks_for_functional_mode_which_makes_cycle_counts_meaningless() -> None:
    assert "--fast" not in " ".join(launch().command())


def test_the_python_that_arm_ships_beside_newer_fvps_is_used(tmp_path: Path) -> None:
    executable = tmp_path / "models" / "Linux64_GCC-9.3" / "FVP"
    (tmp_path / "python" / "lib").mkdir(parents=True)
    assert launch().environment({}) == {}
    environment = replace(launch(), executable=executable).environment({"LD_LIBRARY_PATH": "/mine"})
    assert environment["PYTHONHOME"] == f"{tmp_path}/python"
    assert environment["LD_LIBRARY_PATH"] == f"{tmp_path}/fmtplib:{tmp_path}/python/lib:/mine"
