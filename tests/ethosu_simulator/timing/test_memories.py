"""Memories from TOML files: what is wrong with one is said by file and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from ethosu_simulator.timing import MemoryFileError, estimate, memory_for, names, read_memory
from ethosu_simulator.timing.hardware import NPUS
from ethosu_simulator.timing.memories import FOLDER
from tests.ethosu_simulator.timing.streams import golden

TEMPLATE = (FOLDER / "template.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(("product", "macs"), sorted(NPUS))
def test_every_shipped_memory_is_there_for_every_npu(name: str, product: str, macs: int) -> None:
    assert memory_for(name, f"ethos-{product}", macs).name == name


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("words_per_cycle = 0.25", "words_per_cycle = 0", "`areas.dram.words_per_cycle` is 0"),
        ("read_latency = 500", 'read_latency = "slow"', "`areas.dram.read_latency` is 'slow'"),
        ("write_latency = 250\n", "", "`areas.dram.write_latency` is missing"),
        ('counter = "axi1"', 'counter = "axi7"', "`areas.dram.counter` is 'axi7'"),
        ('product = "ethos-u65"', 'product = "ethos-u66"', "`product` is 'ethos-u66'"),
        ("shared = true  #", "shard = true  #", "`areas.sram.shared` is missing"),
        ('name = "board"', 'name = "board"\nspeed = 3', "`speed`: unknown key"),
        ("macs = []", 'macs = ["many"]', "`macs` is ['many']"),
        ("[regions]", "[regions", "is no TOML file"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert old in TEMPLATE
    path = tmp_path / "board.toml"
    path.write_text(TEMPLATE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MemoryFileError, match=r"board\.toml") as caught:
        read_memory(path)
    assert complaint in str(caught.value)


def test_the_template_is_a_memory_that_works(tmp_path: Path) -> None:
    assert estimate(golden("conv-INT8-u65-256-0-4", tmp_path), FOLDER / "template.toml").memory == "board"


def test_an_unknown_name_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(MemoryFileError, match="mlek, mlek-off, or a TOML file"):
        estimate(golden("conv-INT8-u65-256-0-4", tmp_path), "fast")


def test_a_memory_of_another_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MemoryFileError, match=r"the stream is for ethos-u55-32"):
        estimate(golden("conv-INT8-u55-32-0-4", tmp_path), FOLDER / "template.toml")


def test_a_region_without_a_place_is_named(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(TEMPLATE.replace('constants = "dram"', "#"), encoding="utf-8")
    with pytest.raises(MemoryFileError, match=r"`regions\.constants` is missing, and the stream uses it"):
        estimate(golden("conv-INT8-u65-256-0-4", tmp_path), path)
