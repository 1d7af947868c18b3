"""Rules profiles: which there are, and what is said of a file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.rules.devices import FOLDER, device_of_library_name, load_rules, rules_names
from core.errors import UsageError

SHIPPED = (FOLDER / "ethos-n78.toml").read_text()


def test_each_variant_has_a_name_and_the_file_means_its_default() -> None:
    assert set(rules_names()) == {
        "ethos-n78",
        *(f"ethos-n78-{variant}" for variant in ("1tops-2ple", "1tops-4ple", "2tops-2ple", "2tops-4ple")),
        *(f"ethos-n78-{variant}" for variant in ("4tops-2ple", "4tops-4ple", "8tops-2ple")),
    }
    assert load_rules("ethos-n78") == load_rules("ethos-n78-4tops-4ple")


@pytest.mark.parametrize(
    ("name", "banks", "kib"),
    [
        ("1tops-2ple", 8, 448),
        ("1tops-4ple", 8, 448),
        ("2tops-2ple", 8, 768),
        ("2tops-4ple", 8, 768),
        ("4tops-2ple", 16, 1024),
        ("4tops-4ple", 16, 1024),
        ("8tops-2ple", 16, 2048),
    ],
)
def test_a_variant_has_the_banks_and_the_sram_of_the_reference(name: str, banks: int, kib: int) -> None:
    device = load_rules(f"ethos-n78-{name}")
    assert (device.banks, device.sram_bytes) == (banks, kib * 1024)
    assert device_of_library_name(f"Ethos-N78_{name.upper().replace('-', '_')}_RATIO") == device


def test_a_profile_of_the_users_is_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SHIPPED.replace("sram_bytes = 0x10_0000", "sram_bytes = 4096"))
    assert (load_rules(path).name, load_rules(path).sram_bytes) == ("mine-4tops-4ple", 4096)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("engines = 2", "engine = 2", "engine"),
        ("engines = 2", "engines = 'two'", "engines"),
        ("engines = 2", "engines = 0", "engines"),
        ("\npad_max = 7", "\npad_max = 7.5", "pad_max"),
        ("\npad_max = 7", "\npadding_max = 7", "padding_max"),
        ('default = "4tops-4ple"', 'default = "5tops"', "default"),
        ("[limits]", "[limit]", "limit"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(tmp_path: Path, before: str, after: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    assert before in SHIPPED
    path.write_text(SHIPPED.replace(before, after, 1))
    with pytest.raises(UsageError) as caught:
        load_rules(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_an_unknown_profile_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"unknown rules profile `ethos-n77`(.|\n)*ethos-n78-8tops-2ple"):
        load_rules("ethos-n77")
    with pytest.raises(UsageError, match="no rules profile is the variant `Ethos-N57`"):
        device_of_library_name("Ethos-N57")
