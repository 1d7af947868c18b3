"""The answer in words: one line that says all that decides, and names what excludes the rest."""

from __future__ import annotations

from dataclasses import replace

from core.records.evidence import Evidence
from core.records.unavailable import Unavailable
from harness.explore.answer_words import first_line, row_names, told
from harness.explore.exploration import Cell, CellKey, Figure
from harness.explore.front import Limits, answer

CELL = Cell(
    key=CellKey(model="level3", npu="ethos-u65-256", vela="5.2.0", image_size=320),
    weights="trained",
    figures=(
        Figure(metric="estimated_us", stat="open", value=1500.0, evidence=Evidence.ESTIMATED),
        Figure(metric="estimated_us", stat="open_low", value=1400.0, evidence=Evidence.ESTIMATED),
        Figure(metric="estimated_us", stat="open_high", value=1900.0, evidence=Evidence.ESTIMATED),
        Figure(metric="memory_bytes", stat="sram", value=2**20, evidence=Evidence.COMPILED),
        Figure(metric="flash_bytes", value=3 * 2**20, evidence=Evidence.COMPILED),
    ),
    identity={"accelerator": "ethos-u65-256"},
)
OLD = replace(CELL, key=replace(CELL.key, vela="4.5.0"))
ON_CPU = replace(
    CELL, figures=(Figure(metric="estimated_us", stat="open", value=Unavailable("on the CPU"), evidence=Evidence.ESTIMATED),)
)


def test_the_first_line_has_the_npu_the_time_with_its_interval_and_the_memory() -> None:
    assert first_line([CELL], answer([CELL], Limits())) == (
        "cheapest NPU: ethos-u65-256, with level3 320px, 1.50 ms (1.40 to 1.90) by our cycle model, 1.00 MiB of SRAM, "
        "3.00 MiB of flash"
    )


def test_a_small_memory_is_not_rounded_to_nothing() -> None:
    small = replace(CELL, figures=(Figure(metric="memory_bytes", stat="sram", value=768, evidence=Evidence.COMPILED),))
    assert told(small, "tiny").endswith(", 0.75 KiB of SRAM")


def test_of_several_velas_the_first_line_says_which() -> None:
    assert set(row_names([CELL, OLD]).values()) == {"level3 320px, Vela 5.2.0", "level3 320px, Vela 4.5.0"}
    assert "with level3 320px, Vela 5.2.0, 1.50 ms" in first_line([CELL, OLD], answer([CELL, OLD], Limits()))


def test_what_excludes_all_cells_is_counted() -> None:
    limits = Limits(latency_us=1, sram_bytes=2**20)
    assert first_line([CELL, OLD], answer([CELL, OLD], limits)) == "no cell of 2 holds the limits: latency excludes 2"


def test_a_model_with_operators_on_the_cpu_has_no_time_to_be_told() -> None:
    assert told(ON_CPU, "level3").startswith("level3, no time of the whole model, ")
