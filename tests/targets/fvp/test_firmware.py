"""Firmware files: the user's own, and Arm's runner from its wheel, checked and never installed."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from pathlib import Path

import pytest

from core.errors import ToolMissing, UsageError
from targets.fvp import firmware
from targets.fvp.firmware import own_firmware


def test_a_firmware_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--fvp-firmware `.*nothing` does not exist"):
        own_firmware(tmp_path / "nothing")


def test_a_firmware_that_is_no_elf_file_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.axf"
    path.write_bytes(b"TFL3 or something else")
    with pytest.raises(UsageError, match="is no ELF file"):
        own_firmware(path)


def test_a_firmware_for_another_machine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"is an ELF file for EM_(X86_64|AARCH64)"):
        own_firmware(Path(sys.executable))


def test_a_wheel_of_other_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for pip, which would refuse it first."""
    other = "import sys; from pathlib import Path; Path(sys.argv[sys.argv.index('--dest') + 1], 'x.whl').write_bytes(b'x')"
    monkeypatch.setattr(firmware, "_pip", lambda: [sys.executable, "-c", other])
    with pytest.raises(ToolMissing, match=r"`x\.whl` has SHA-256"):
        firmware._download(tmp_path)


def test_a_package_index_that_cannot_be_reached_gives_pips_words_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"could not be fetched: .*mlia-ethos-u") as caught:
        firmware._download(tmp_path)
    assert "--fvp-firmware" in caught.value.expected
    assert caught.value.exit_code == 3


def test_the_package_that_ships_the_firmware_is_not_installed() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("mlia-ethos-u")


def test_only_the_runners_of_tflite_micro_are_taken_from_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "some.whl"
    names = ["mlia/target/code.py", f"{firmware.INSIDE}a-tflm-b/runner.axf", f"{firmware.INSIDE}a-executorch-b/runner.axf"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    monkeypatch.setattr(firmware, "_download", lambda _: wheel)
    folder = tmp_path / "work" / "entry"
    folder.mkdir(parents=True)
    firmware._fetch(folder)
    assert [str(path.relative_to(folder)) for path in folder.rglob("*.axf")] == ["a-tflm-b/runner.axf"]
