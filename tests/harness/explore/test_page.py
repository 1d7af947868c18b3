"""The page of an exploration holds every cell, its figures and its failures. Covers harness.explore.page_content."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import StorageError
from core.records.evidence import Evidence
from core.records.measurement import Value
from core.records.unavailable import Unavailable
from harness.explore.answer_words import first_line
from harness.explore.exploration import Cell, CellKey, Exploration, Figure
from harness.explore.front import Limits, answer
from harness.explore.page import Words, exploration_page, write_page
from harness.explore.page_content import content_of
from harness.report.html.exhibits import NO_VALUE
from tests.lanes import skip_reason

NPUS = ("ethos-u85-256", "ethos-u55-128", "ethos-u65-256", "ethos-u55-256")
"""In another order than their price."""
KIB = 1024


def figure(metric: str, value: Value, stat: str = "", graph: Any = "", evidence: Evidence = Evidence.COMPILED) -> Figure:
    return Figure(metric=metric, value=value, stat=stat, graph=graph, evidence=evidence)


def cell(model: str, npu: str, ms: float | str, *, sram: int = 512 * KIB, quality: float = 0.4, fits: bool = True) -> Cell:
    """A cell whose estimate is `ms`, or unavailable for that reason."""
    whole: Value = Unavailable(ms) if isinstance(ms, str) else ms * 1e3
    ends = {} if isinstance(ms, str) else {"open_low": ms * 900, "open_high": ms * 1200}
    return Cell(
        key=CellKey(model=model, npu=npu, image_size=320, vela="5.2.0"),
        weights="trained",
        identity={"compiled": "c0ffee", "accelerator": npu},
        figures=(
            figure("estimated_us", whole, "open", evidence=Evidence.ESTIMATED),
            *(figure("estimated_us", value, end, evidence=Evidence.ESTIMATED) for end, value in ends.items()),
            figure("memory_bytes", sram, "sram"),
            figure("flash_bytes", 2 << 20),
            figure("fits", fits),
            figure("map50_95", quality, graph="int8", evidence=Evidence.HOST),
        ),
    )


def failing(model: str, npu: str, why: str) -> Cell:
    return Cell(
        key=CellKey(model=model, npu=npu, image_size=320, vela="5.2.0"),
        weights="seeded",
        identity={"accelerator": npu},
        failed=why,
    )


def exploration(*cells: Cell) -> Exploration:
    return Exploration(made="2026-11-29T07:00:00+00:00", command="ethos-bench explore", versions={"vela": "5.2.0"}, cells=cells)


def example() -> Exploration:
    """Two models on four NPUs: a slow good one, a quick poor one, which fails on one and is partly on the CPU of another."""
    slow = [cell("slow", npu, ms, quality=0.5) for npu, ms in zip(NPUS, (8, 60, 20, 40), strict=True)]
    quick = [cell("quick", npu, ms, sram=64 * KIB) for npu, ms in zip(NPUS[:2], (4, 30), strict=True)]
    return exploration(
        *slow,
        *quick,
        cell("quick", NPUS[2], "3 of 90 operators run on the CPU"),
        failing("quick", NPUS[3], "Vela refused <b>this</b> graph"),
    )


def test_npus_stand_from_the_cheapest_to_the_dearest_and_the_answer_is_the_first_that_holds() -> None:
    content = content_of(example())
    assert content.npus == ["ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u85-256"]
    assert ">ethos-u55-128</h1>" in exploration_page(example(), Words())


def test_what_does_not_fit_is_no_answer() -> None:
    too_large = cell("big", NPUS[1], 5, fits=False)
    assert f">{NPUS[0]}</h1>" in exploration_page(exploration(too_large, cell("big", NPUS[0], 1)), Words())
    assert ">None</h1>" in exploration_page(exploration(too_large), Words())


def test_a_missing_figure_is_a_dash_with_its_reason_and_never_0() -> None:
    text = exploration_page(example(), Words())
    assert f'title="3 of 90 operators run on the CPU">{NO_VALUE}<' in text
    assert ">failed<" in text
    assert "Vela refused &lt;b&gt;this&lt;/b&gt; graph" in text
    assert "<b>this</b>" not in text


def test_a_small_figure_is_not_rounded_to_nothing() -> None:
    shown = content_of(exploration(cell("tiny", NPUS[0], 0.0266, sram=768))).cells[0].figures
    assert [one.text for one in shown if one][:2] == ["0.027", "0.00073"]


def test_cells_of_several_velas_have_rows_of_their_own() -> None:
    one = cell("slow", NPUS[0], 8)
    other = replace(one, key=replace(one.key, vela="4.5.0"))
    assert content_of(exploration(one, other)).rows == ["slow 320px, Vela 5.2.0", "slow 320px, Vela 4.5.0"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_page(example(), tmp_path / "file/explore.html")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    why = skip_reason("browser", lambda: "" if shutil.which("chromium") else "no `chromium` on PATH (apt-get install chromium)")
    if why:
        pytest.skip(why)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explore") / "explore.html"
    write_page(example(), path, Words(since="2026-11-01", changes=["a changed"]))
    return path


@pytest.fixture
def tab(chromium: Any, page: Path) -> Iterator[Any]:
    """The page in a tab of its own, which must say nothing on its console and ask nobody."""
    context = chromium.new_context(viewport={"width": 1300, "height": 900}, offline=True)
    opened, said, asked = context.new_page(), [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(page.as_uri())
    yield opened
    context.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {page.as_uri()}


def slide(tab: Any, name: str, steps: int) -> None:
    slider = tab.locator(f"#limits input[name={name}]")
    slider.focus()
    for _ in range(abs(steps)):
        tab.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")


@pytest.mark.browser
@pytest.mark.slow
def test_limits_say_the_cheapest_npu_by_keyboard_and_a_link_shows_the_same(tab: Any, page: Path) -> None:
    assert tab.locator("#cheapest").inner_text() == "ethos-u55-128"
    slide(tab, "map", 1)  # the first step: at least the worst mAP
    slide(tab, "latency", 3)  # 60, 40, 30 ms
    assert tab.locator("#meets").inner_text().startswith("The cheapest NPU, with quick 320px, 30.00 ms (27.00 to 36.00) by")
    slide(tab, "map", 1)
    assert tab.locator("#cheapest").inner_text() == "ethos-u65-256"
    assert "latency excludes 3" in tab.locator("#excluded").inner_text()
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    assert tab.locator("#cheapest").inner_text() == "ethos-u65-256"
    assert tab.locator("#limits input[name=latency]").get_attribute("aria-valuetext") == "≤ 30 ms"


LIMITS = (Limits(), Limits(latency_us=33e3, map50_95=0.45), Limits(latency_us=10e3, sram_bytes=100 * KIB), Limits(latency_us=1))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("limits", LIMITS)
def test_the_page_says_at_first_what_the_command_said_with_its_limits_and_so_without_its_script(
    chromium: Any, tmp_path: Path, limits: Limits
) -> None:
    said = first_line(example().cells, answer(example().cells, limits))
    (tmp_path / "found.html").write_text(exploration_page(example(), Words(), limits), "utf-8")
    for javascript in (True, False):
        context = chromium.new_context(java_script_enabled=javascript)
        tab = context.new_page()
        tab.goto((tmp_path / "found.html").as_uri())
        npu, text = tab.locator("#cheapest").inner_text(), tab.locator("#meets").inner_text()
        shown = text.replace("The cheapest NPU,", f"cheapest NPU: {npu},").replace("No cell", "no cell")
        assert shown == f"{said}."
        assert (npu == "None") == said.startswith("no cell")
        context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_the_commands_limits_are_where_the_sliders_start_unless_the_address_says_otherwise(
    chromium: Any, tmp_path: Path
) -> None:
    path = tmp_path / "found.html"
    path.write_text(exploration_page(example(), Words(), Limits(latency_us=33e3, map50_95=0.45)), "utf-8")
    tab = chromium.new_page()

    def said(name: str) -> str:
        return str(tab.locator(f"#limits input[name={name}]").get_attribute("aria-valuetext"))

    tab.goto(path.as_uri())
    assert (said("latency"), said("map"), said("sram")) == ("≤ 33 ms", "≥ 0.45", "no limit")
    slide(tab, "latency", 1)  # to 30 ms
    assert (said("latency"), said("map")) == ("≤ 30 ms", "≥ 0.45")
    slide(tab, "latency", -1)
    assert (said("latency"), tab.url) == ("≤ 33 ms", path.as_uri())
    slide(tab, "latency", -3)
    assert (said("latency"), tab.url) == ("no limit", f"{path.as_uri()}#latency=none")
    assert tab.locator("#cheapest").inner_text() == "ethos-u55-128"
    tab.goto("about:blank")
    tab.goto(f"{path.as_uri()}#latency=20000&map=none")
    assert (said("latency"), said("map")) == ("≤ 20 ms", "no limit")
    tab.close()


@pytest.mark.browser
@pytest.mark.slow
def test_the_heat_map_takes_another_figure_and_arrow_keys_and_opens_a_cell(tab: Any) -> None:
    tab.locator("#metric").select_option("map50_95.int8")
    first = tab.locator(".heat tbody button").first
    assert first.inner_text() == "0.500"
    assert "host" in str(first.get_attribute("aria-label"))
    first.focus()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.textContent") == "failed"
    tab.keyboard.press("Enter")
    assert "Vela refused <b>this</b> graph" in tab.locator("dialog").inner_text()
    assert "cell=" in tab.url
    tab.keyboard.press("Escape")
    assert not tab.locator("dialog").is_visible()


@pytest.mark.browser
@pytest.mark.slow
def test_the_table_sorts_filters_and_keeps_what_has_no_figure_last(tab: Any) -> None:
    head = tab.locator('#table [data-sort="estimated_us.open"]')
    head.click()
    shown = "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map(row => row.cells[2].textContent)"
    assert tab.evaluate(shown) == ["4.00", "8.00", "20.00", "30.00", "40.00", "60.00", NO_VALUE, "failed"]
    head.click()
    assert tab.evaluate(shown)[0] == "60.00"
    assert tab.evaluate(shown)[-2:] == [NO_VALUE, "failed"]
    tab.locator("#filter").fill("quick u85")
    assert tab.evaluate(shown) == ["4.00"]
    assert tab.locator("#cheapest").inner_text() == "ethos-u85-256"


@pytest.mark.browser
@pytest.mark.slow
def test_the_plot_names_what_is_beaten_by_none_and_a_phone_needs_no_sideways_scrolling(tab: Any) -> None:
    label = str(tab.locator("#pareto svg").get_attribute("aria-label"))
    assert re.search(r"beaten by none: quick 320px on ethos-u85-256, 4 ms, 0\.400; slow 320px on ethos-u85-256", label)
    assert tab.locator("#pareto .dot").count() == 6
    assert tab.locator("#pareto .bar-line").count() == 6
    tab.set_viewport_size({"width": 375, "height": 740})
    tab.add_style_tag(content="section { content-visibility: visible !important; }")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 375
    heights = tab.evaluate("[...document.querySelectorAll('svg text')].map(text => text.getBoundingClientRect().height)")
    assert min(heights) >= 8


def test_the_scripts_data_is_every_cell_with_every_column(page: Path) -> None:
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert held
    data = json.loads(held[1])
    assert {len(one["figures"]) for one in data["cells"]} == {len(data["columns"])}
    assert len(data["cells"]) == 8
