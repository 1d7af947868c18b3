"""An FVP is found wherever users and Arm's tools put it, and its absence names every place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conversion.profile_files import load_profile
from core.errors import TargetUnavailable
from targets.fvp.discovery import VARIABLE, find, install_folder
from targets.fvp.platforms import Platform, platform_of

NAME = "FVP_Corstone_SSE-300_Ethos-U55"


@pytest.fixture
def platform() -> Platform:
    return platform_of(load_profile("ethos-u55-128"), "")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def executable(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("below", "environment"),
    [
        ("own/bin/FVP_Corstone_SSE-300_Ethos-U55", {VARIABLE: "{home}/nothing:{home}/own"}),
        ("tools/FVP_Corstone_SSE-300_Ethos-U55", {"PATH": "{home}/tools"}),
        ("tools/VHT_Corstone_SSE-300_Ethos-U55", {"PATH": "{home}/tools"}),
        (".mlia/backends/corstone_300/FVP_Corstone_SSE-300_Ethos-U55", {}),
        ("venv/.mlia/backends/corstone_300/FVP_Corstone_SSE-300_Ethos-U55", {"VIRTUAL_ENV": "{home}/venv"}),
        ("FVP_Corstone_SSE-300/models/Linux64_GCC-9.3/FVP_Corstone_SSE-300_Ethos-U55", {}),
    ],
)
def test_an_fvp_is_found(below: str, environment: dict[str, str], platform: Platform, home: Path) -> None:
    placed = executable(home / below)
    given = {"HOME": str(home), **{name: value.format(home=home) for name, value in environment.items()}}
    assert find(platform, None, given).found == placed


def test_an_fvp_that_our_own_command_installed_is_found(platform: Platform, home: Path) -> None:
    placed = executable(install_folder(platform) / "models" / "Linux64_GCC-9.3" / NAME)
    assert find(platform, None, {"HOME": str(home)}).found == placed


def test_the_variable_comes_before_path_and_path_before_folders(platform: Platform, home: Path) -> None:
    last = executable(home / "FVP_Corstone_SSE-300" / "models" / "Linux64" / NAME)
    environment = {"HOME": str(home)}
    assert find(platform, None, environment).found == last
    second = executable(home / "path" / NAME)
    environment["PATH"] = str(home / "path")
    assert find(platform, None, environment).found == second
    first = executable(home / "named" / NAME)
    environment[VARIABLE] = str(home / "named")
    assert find(platform, None, environment).found == first


def test_a_place_given_by_option_is_the_only_one_looked_at(platform: Platform, home: Path) -> None:
    executable(home / "path" / NAME)
    environment = {"HOME": str(home), "PATH": str(home / "path")}
    search = find(platform, home / "elsewhere", environment)
    assert search.found is None
    assert search.looked == (f"--fvp: {home / 'elsewhere'}",)
    wrapper = executable(home / "my-fvp.sh")
    assert find(platform, wrapper, environment).found == wrapper


def test_another_platforms_executable_is_not_taken_for_this_one(platform: Platform, home: Path) -> None:
    other = executable(home / "FVP_Corstone_SSE-320")
    assert find(platform, other, {"HOME": str(home)}).found is None


def test_absence_names_every_place_and_the_way_to_get_it(platform: Platform, home: Path) -> None:
    environment = {"HOME": str(home), "PATH": f"/a{os.pathsep}/b", VARIABLE: "/c", "VIRTUAL_ENV": "/venv"}
    with pytest.raises(TargetUnavailable, match="no Arm FVP for mine") as caught:
        find(platform, None, environment).require("mine")
    for place in (
        "/c",
        "/a:/b",
        "/opt/VHT",
        "/venv/.mlia",
        ".mlia/backends",
        "/opt/arm",
        "/usr/local",
        str(install_folder(platform)),
    ):
        assert place in caught.value.found
    assert caught.value.exit_code == 3
    assert "fvp install --accept-eula SSE-300" in caught.value.hint
    assert "--fvp-engine qemu or open" in caught.value.expected


def test_a_file_that_cannot_be_executed_is_named_and_not_taken(platform: Platform, home: Path) -> None:
    executable(home / "FVP_Corstone_SSE-300" / NAME, mode=0o644)
    search = find(platform, None, {"HOME": str(home)})
    assert search.found is None
    assert any("is not executable" in place for place in search.looked)
