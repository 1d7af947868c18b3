"""Limits, the cheapest NPU that holds them, and the front."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.records.evidence import Evidence
from core.records.measurement import Value
from core.records.unavailable import Unavailable
from harness.explore.exploration import Cell, CellKey, Figure
from harness.explore.front import Limits, answer, cost, microseconds, pareto, share, size_bytes


def cell(npu: str, us: Value, *, sram: int = 1000, flash: int = 1000, quality: float | None = None, fits: bool = True) -> Cell:
    figures = [
        Figure(metric="estimated_us", stat="open", value=us, evidence=Evidence.ESTIMATED),
        Figure(metric="memory_bytes", stat="sram", value=sram, evidence=Evidence.COMPILED),
        Figure(metric="flash_bytes", value=flash, evidence=Evidence.COMPILED),
        Figure(metric="fits", value=fits, evidence=Evidence.COMPILED),
    ]
    if quality is not None:
        figures.append(Figure(metric="map50_95", graph="int8", value=quality, evidence=Evidence.HOST))
    key = CellKey(model="m", npu=npu)
    return Cell(key=key, weights="trained", figures=tuple(figures), identity={"accelerator": npu})


SMALL, MIDDLE, BIG = cell("ethos-u55-64", 90e3), cell("ethos-u65-256", 20e3), cell("ethos-u85-1024", 5e3)
ON_CPU = cell("ethos-u55-32", Unavailable("4 operators run on the CPU"))
FAILED = Cell(key=CellKey(model="m", npu="ethos-u55-32"), weights="trained", failed="no", identity={})


def test_npus_cost_by_their_macs_and_then_by_their_family() -> None:
    names = ["ethos-u85-512", "ethos-u85-256", "ethos-u65-256", "ethos-u55-256", "ethos-u55-32", "mine"]
    ordered = sorted((cell(name, 1) for name in names), key=cost)
    assert [one.key.npu for one in ordered] == [
        "ethos-u55-32", "ethos-u55-256", "ethos-u65-256", "ethos-u85-256", "ethos-u85-512", "mine",
    ]  # fmt: skip


def test_the_cheapest_npu_is_the_smallest_that_holds_every_limit() -> None:
    cells = [BIG, SMALL, MIDDLE, ON_CPU, FAILED]
    assert answer(cells, Limits(latency_us=33e3)).cheapest is MIDDLE
    assert answer(cells, Limits(latency_us=6e3)).cheapest is BIG
    none = answer(cells, Limits(latency_us=1e3))
    assert none.cheapest is None
    assert none.excluded == {"latency": 4, "failure": 1}


def test_a_time_that_nobody_knows_holds_no_limit_and_what_does_not_fit_is_never_taken() -> None:
    assert Limits(latency_us=1e9).misses(ON_CPU) == ["latency"]
    assert Limits().misses(ON_CPU) == []
    assert Limits().misses(cell("ethos-u55-64", 1.0, fits=False)) == ["platform's memory"]


def test_a_limit_holds_with_equality() -> None:
    exact = cell("ethos-u55-64", 10.0, sram=7, flash=8, quality=0.5)
    assert Limits(latency_us=10.0, map50_95=0.5, sram_bytes=7, flash_bytes=8).misses(exact) == []
    closer = Limits(latency_us=9.9, map50_95=0.51, sram_bytes=6, flash_bytes=7)
    assert closer.misses(exact) == ["latency", "mAP", "SRAM", "flash"]


def test_the_front_keeps_what_no_other_cell_beats() -> None:
    worse = cell("ethos-u65-256", 21e3)
    smaller = cell("ethos-u65-256", 21e3, sram=10)
    assert pareto([SMALL, MIDDLE, worse, BIG]) == (SMALL, MIDDLE, BIG)
    assert pareto([MIDDLE, smaller]) == (MIDDLE, smaller)
    assert pareto([MIDDLE, MIDDLE]) == (MIDDLE, MIDDLE)  # equal cells beat nobody
    assert pareto([cell("ethos-u65-256", 20e3, quality=0.6), MIDDLE])[0].number("map50_95", graph="int8") == 0.6


def test_limits_are_typed_with_or_without_units() -> None:
    assert [microseconds(text, "-") for text in ("", "33", "33ms", "500 us", "0.1s")] == [None, 33e3, 33e3, 500, 1e5]
    assert [size_bytes(text, "-") for text in ("2MiB", "2M", "2MB", "512", "1.5KiB")] == [2**21, 2**21, 2e6, 512, 1536]


@pytest.mark.parametrize("text", ["fast", "33 bananas", "-3ms", "0", "1e999", "33ms!"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a quantity"):
        microseconds(text, "--max-latency")


@pytest.mark.parametrize("text", ["70", "70%", "-0.1", "most"])
def test_what_is_no_share_is_refused(text: str) -> None:
    assert (share("0.7", "--min-map"), share("", "--min-map")) == (0.7, None)
    with pytest.raises(UsageError, match="no share"):
        share(text, "--min-map")


def test_two_models_that_nobody_judged_do_not_beat_each_other() -> None:
    other = Cell(
        key=CellKey(model="keywords", npu="ethos-u65-256"), weights="unknown", figures=BIG.figures, identity=MIDDLE.identity
    )
    assert pareto([MIDDLE, other]) == (MIDDLE, other)
    judged = [cell("ethos-u65-256", 20e3, quality=0.5), cell("ethos-u65-256", 10e3, quality=0.5)]
    assert pareto(judged) == (judged[1],)
