"""What profiles promise: sources for every figure, and plain words for whatever is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.profile_files import FOLDER, SAME_AS, board_names, load_profile, nearest, profile_names
from conversion.vela import compile_model
from core.errors import UsageError
from tests.benchmarks import tiny

NAMES = (
    *("ethos-u55-128", "ethos-u55-256", "ethos-u55-32", "ethos-u55-64", "ethos-u65-256", "ethos-u65-512"),
    *("ethos-u85-1024", "ethos-u85-128", "ethos-u85-2048", "ethos-u85-256", "ethos-u85-512"),
)
OWN = """
npu = "ethos-u65"
macs = 256
clock_hz = 1_000_000_000
system_config = "Ethos_U65_High_End"
memory_mode = "Dedicated_Sram_384KB"
[budget.sram]
bytes = 393216
source = "my board"
"""
CONFIGURATION = """
[System_Config.Mine]
core_clock=8e8
axi0_port=Sram
axi1_port=OffChipFlash
[Memory_Mode.Parent]
const_mem_area=Axi1
arena_mem_area=Axi0
cache_mem_area=Axi0
[Memory_Mode.Child]
inherit=Memory_Mode.Parent
arena_cache_size=1000
"""


def own(folder: Path, text: str = OWN) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_every_configuration_has_a_profile() -> None:
    assert profile_names() == NAMES


BOARDS = (
    *("alif-e7-he", "alif-e7-hp", "alif-e8", "corstone-300", "corstone-310", "corstone-320", "himax-we2", "imx93"),
    *("infineon-pse84", "nuvoton-m55m1", "renesas-ra8p1"),
)


def test_boards_have_profiles_by_name() -> None:
    assert board_names() == BOARDS


@pytest.mark.parametrize("name", BOARDS)
def test_every_figure_of_a_board_has_its_source_or_says_that_none_was_found(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == SAME_AS.get(name, name)
    assert set(profile.sources) == {"macs", "clock_hz", "system_config", "memory_mode"}
    assert all(len(source) > 20 for source in (*profile.sources.values(), *(one.source for one in profile.budget.values())))
    assert {profile.arena_area, profile.constants_area} <= set(profile.budget)


@pytest.mark.parametrize("name", [name for name in BOARDS if name not in SAME_AS])
def test_vela_compiles_for_every_board(name: str, tmp_path: Path) -> None:
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny.detector())
    compiled = compile_model(model, load_profile(name), tmp_path / "out").compiled.path
    assert compiled.is_file()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ethos-u65-265", "ethos-u65-256"),
        ("i.mx93", "imx93"),
        ("Alif_E8", "alif-e8"),
        ("corstone300", "corstone-300"),
        ("xyz", "ethos-u65-256"),
    ],
)
def test_a_name_that_is_mistyped_is_answered_with_the_nearest_one(typed: str, meant: str) -> None:
    assert nearest(typed) == meant
    with pytest.raises(UsageError, match="unknown profile") as error:
        load_profile(typed)
    assert error.value.hint == f"--npu {meant}"


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_figure_has_its_source(name: str) -> None:
    profile = load_profile(name)
    assert profile.accelerator_config == profile.name == name
    assert set(profile.sources) == {"macs", "clock_hz", "system_config", "memory_mode"}
    assert all(len(source) > 20 for source in profile.sources.values())
    assert all(len(budget.source) > 20 and budget.bytes > 0 for budget in profile.budget.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_memories_that_a_profile_uses_have_a_budget(name: str) -> None:
    profile = load_profile(name)
    assert {profile.arena_area, profile.constants_area, "sram"} == set(profile.budget)


def test_feature_maps_lie_in_sram_on_u55_and_in_dram_behind_a_dedicated_sram() -> None:
    assert load_profile("ethos-u55-256").arena_area == "sram"
    assert load_profile("ethos-u55-256").constants_area == "off_chip_flash"
    assert load_profile("ethos-u65-256").arena_area == load_profile("ethos-u65-256").constants_area == "dram"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        load_profile("ethos-u99")
    assert error.value.exit_code == 2
    assert all(name in error.value.expected for name in NAMES)


def test_a_users_own_file_is_called_by_its_stem(tmp_path: Path) -> None:
    profile = load_profile(own(tmp_path))
    assert profile.name == "mine"
    assert profile.budget["sram"].bytes == 393216


@pytest.mark.parametrize(
    ("before", "after", "found", "expected"),
    [
        ("macs = 256", "macs = 128", "ethos-u65 128 MACs", "ethos-u65 has 256, 512"),
        ("macs = 256", 'macs = "256"', '`macs` is "256"', "a valid integer"),
        ("macs = 256", "", "`macs` is missing", ""),
        ("macs = 256", "macs = 256\nclock = 1", "`clock`: unknown key", "clock_hz"),
        ('source = "my board"', 'source = "my board"\nkilobytes = 1', "`budget.sram.kilobytes`: unknown key", ""),
        ("[budget.sram]", "[budget.srm]", "`budget.srm` is no name that belongs there", "'sram'"),
        ("bytes = 393216", "bytes = 0", "`budget.sram.bytes` is 0", "greater than 0"),
        ("ethos-u65", "ethos-u66", '`npu` is "ethos-u66"', "'ethos-u65'"),
        ("Ethos_U65_High_End", "Ethos_U65_Low_End", "system config `Ethos_U65_Low_End`", "Ethos_U65_High_End"),
        ("Dedicated_Sram_384KB", "Dedicated", "memory mode `Dedicated`", "Dedicated_Sram_384KB"),
        ("1_000_000_000", "500_000_000", "says 500000000 Hz", "one clock"),
        ("macs = 256", 'macs = 256\nvela_config = "Arm/velo.ini"', "`Arm/velo.ini`, which does not exist", "Arm/vela.ini"),
        ("macs = 256", "macs = = 256", "is no TOML file", ""),
    ],
)
def test_what_is_wrong_is_named_with_what_exists(tmp_path: Path, before: str, after: str, found: str, expected: str) -> None:
    assert before in OWN
    with pytest.raises(UsageError) as error:
        load_profile(own(tmp_path, OWN.replace(before, after)))
    assert found in error.value.found
    assert expected in error.value.expected
    assert "mine.toml" in error.value.found


def with_configuration(folder: Path, configuration: str = CONFIGURATION) -> Path:
    (folder / "board.ini").write_text(configuration)
    text = OWN.replace("macs = 256", 'macs = 256\nvela_config = "board.ini"').replace("1_000_000_000", "800_000_000")
    return own(folder, text.replace("Ethos_U65_High_End", "Mine").replace("Dedicated_Sram_384KB", "Child"))


def test_a_vela_configuration_beside_the_profile_is_used_with_what_its_sections_inherit(tmp_path: Path) -> None:
    profile = load_profile(with_configuration(tmp_path))
    assert profile.vela_config == str(tmp_path / "board.ini")
    assert (profile.arena_area, profile.constants_area) == ("sram", "off_chip_flash")


def test_two_configurations_of_one_name_are_two_identities(tmp_path: Path) -> None:
    first = load_profile(with_configuration(tmp_path)).identity
    again = load_profile(with_configuration(tmp_path)).identity
    other = load_profile(with_configuration(tmp_path, CONFIGURATION + "; slower")).identity
    assert first == again != other


@pytest.mark.parametrize("text", ["no section", "[System_Config.Mine]\ncore_clock=8e8\n[Memory_Mode.Child]\n"])
def test_a_broken_vela_configuration_is_a_usage_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="configuration file"):
        load_profile(with_configuration(tmp_path, text))


def test_an_inheritance_circle_ends(tmp_path: Path) -> None:
    circle = CONFIGURATION.replace("[Memory_Mode.Parent]", "[Memory_Mode.Parent]\ninherit=Memory_Mode.Child")
    assert load_profile(with_configuration(tmp_path, circle)).arena_area == "sram"


def test_the_shipped_files_are_part_of_the_package() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(NAMES)
