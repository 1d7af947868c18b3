"""`ethos-bench velas`: what it lists, compares and finds, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conversion.velas.versions import installed_version, known_versions
from core.files import file_sha256
from harness.cli import main
from tests.conversion.velas.bsp import bsp_vela
from tests.harness.explore.flipped import flip_first_byte

OURS = installed_version()


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["velas", *map(str, arguments)])


def test_the_list_has_every_version_and_says_which_is_installed() -> None:
    found = command("list").stdout.splitlines()
    assert [line.split()[0] for line in found] == list(known_versions())
    assert next(line for line in found if line.startswith(OURS)).split()[1:3] == ["installed", "beside"]


def test_installing_what_is_there_downloads_nothing_and_says_where_it_is() -> None:
    assert command("install", OURS).stdout.startswith(f"Vela {OURS}: ")


def test_compare_shows_a_row_for_each_version_and_gives_every_figure_as_json(file: Path) -> None:
    shown = command("compare", file, "--npu", "ethos-u55-128", "--velas", OURS)
    assert shown.exit_code == 0, shown.output
    row = next(line for line in shown.output.splitlines() if line.strip().startswith(OURS))
    assert row.split()[-2:] == ["yes", "right"]
    found = json.loads(command("compare", file, "--npu", "ethos-u55-128", "--velas", OURS, "--json").stdout)
    figures = {(one["metric"], one.get("stat", "")): one for one in found["velas"][0]["records"]}
    assert figures["bit_exact", ""]["value"] is True
    assert figures["operators_cpu", ""]["value"] == 0


def test_bytes_of_a_version_that_are_not_the_references_end_with_1(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip_first_byte(monkeypatch)
    found = command("compare", file, "--npu", "ethos-u55-128", "--velas", OURS)
    assert found.exit_code == 1
    assert "1 of 2 inputs differ" in found.output
    assert "1 of" in found.output.splitlines()[-1]


def test_an_executable_has_a_row_of_its_own_beside_the_published_vela_of_its_version(file: Path, tmp_path: Path) -> None:
    own = bsp_vela(tmp_path / "vela")
    name = f"{OURS}-{file_sha256(own)[:8]}"
    assert command("list", own).stdout.splitlines()[-1].split() == [name, str(own)]
    shown = command("compare", file, "--npu", "ethos-u55-128", "--velas", f"{OURS},{own}")
    assert shown.exit_code == 0, shown.output
    rows = [line.split() for line in shown.stdout.splitlines() if line.strip().startswith(OURS)]
    assert [row[0] for row in rows] == [OURS, name]
    assert rows[0][1:] == rows[1][1:]
    made = [folder.name for folder in (tmp_path / "cache").glob("compile*/*") if folder.is_dir()]
    assert len(made) == 2, "each is a compilation of its own"


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["compare", "nowhere.tflite"], "`nowhere.tflite` does not exist", 2),
        (["compare", "FILE", "--npu", "ethos-u99"], "unknown profile `ethos-u99`", 2),
        (["compare", "FILE", "--velas", "4.9"], "no Vela `4.9` is known here", 2),
        (["bisect", "FILE", "--metric", "operator_cpu", "--velas", "4.2..5.2"], "--metric operators_cpu", 2),
        (["bisect", "FILE", "--metric", "fits", "--velas", OURS], "names 1 version", 2),
        (["install", "nonsense"], "no Vela `nonsense`", 2),
        (["compare", "FILE", "--velas", f"{OURS},/nowhere/vela"], "`/nowhere/vela` is no program that can be run", 3),
        (["list", "/nowhere/vela"], "`/nowhere/vela` is no program that can be run", 3),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(arguments: list[str], words: str, code: int, file: Path) -> None:
    found = command(*(file if one == "FILE" else one for one in arguments))
    assert words in found.output
    assert found.exit_code == code
