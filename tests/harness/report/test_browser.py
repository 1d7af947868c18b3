"""The page as a reader meets it, in headless Chromium: quick, by keyboard, on a phone, on paper, and asking nobody."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.history.engine import history_url
from harness.history.store import History
from harness.report.html.page import write_page
from harness.report.past import past_of
from harness.results.stored_run import stored_run
from tests.harness.report.runs import write_run
from tests.lanes import skip_reason

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHROMIUM = "chromium"
LARGEST_BYTES = 5_000_000
FIRST_PAINT_MS = 2000
LEGIBLE_PX = 8
LAID_OUT = "section { content-visibility: visible !important; }"
"""What is below the first screen is laid out at once, not when it comes near."""
TEXT_HEIGHTS = "[...document.querySelectorAll('svg text')].map(text => text.getBoundingClientRect().height)"
PHONE = {"width": 375, "height": 740}
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    why = skip_reason(
        "browser", lambda: "" if shutil.which(CHROMIUM) else f"no `{CHROMIUM}` on PATH (apt-get install chromium)"
    )
    if why:
        pytest.skip(why)
    with sync_api.sync_playwright() as playwright:
        # No sandbox: containers and CI run as root, where Chromium refuses to start with one.
        opened = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass
class Opened:
    """A page in a tab, and everything it said or asked for."""

    tab: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    contexts = []

    def opened(path: Path, **options: Any) -> Opened:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        made = Opened(context.new_page())
        made.tab.on("console", lambda message: made.said.append(message.text))
        made.tab.on("pageerror", lambda error: made.said.append(str(error)))
        made.tab.on("request", lambda request: made.asked.append(request.url))
        made.tab.goto(path.as_uri())
        return made

    yield opened
    for context in contexts:
        context.close()


NAMES = ("base_silu", *(f"level{level}_{activation}" for level in (2, 3, 4) for activation in ("relu", "leaky")))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small run of seven models on two NPUs."""
    folder = tmp_path_factory.mktemp("report")
    run = write_run(folder / "run", NAMES, [("benchmarks/test_claims.py::test_claims[x]", "a message " * 30)])
    write_page(run, folder / "report.html")
    return folder / "report.html"


def test_it_opens_without_an_error_and_asks_nobody(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [report.as_uri()]


def test_the_first_screen_says_whether_to_ship(open_page: Open, report: Path) -> None:
    tab = open_page(report).tab
    heading = tab.locator("h1")
    assert heading.inner_text() == "Do not ship"
    for locator in (heading, tab.locator("table.models"), tab.locator(".dumbbells svg").first):
        box = locator.bounding_box()
        assert box["y"] + min(box["height"], 200) < DESKTOP["height"]
    assert tab.locator("table.models tbody tr").count() == 7


def test_a_script_in_a_name_does_not_run(open_page: Open, tmp_path: Path) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    run = write_run(tmp_path / "run", ("level2_relu",), [("t::x", evil)], operator=evil, run={"command": evil})
    write_page(run, tmp_path / "evil.html")
    opened = open_page(tmp_path / "evil.html")
    strip = opened.tab.locator(".strip").first
    strip.focus()
    opened.tab.locator("[data-figure]").first.click()
    opened.tab.wait_for_timeout(200)
    assert "owned" not in opened.tab.title()
    assert evil in opened.tab.locator("dialog").inner_text()
    assert opened.said == []


def test_every_figure_opens_its_provenance_and_escape_closes_it(open_page: Open, report: Path) -> None:
    tab = open_page(report).tab
    figure = tab.locator("table.models [data-figure]").first
    figure.focus()
    tab.keyboard.press("Enter")
    shown = tab.locator("dialog").inner_text()
    for words in ("estimated_us", "45000 us", "a cycle model", "a" * 64, "vela 5.2.0", "pytest benchmarks/"):
        assert words in shown
    tab.keyboard.press("Escape")
    assert not tab.locator("dialog").is_visible()


def test_a_network_is_read_out_by_arrow_keys_and_by_the_mouse(open_page: Open, report: Path) -> None:
    tab = open_page(report).tab
    strip, readout = tab.locator(".strip").first, tab.locator(".readout").first
    strip.focus()
    tab.keyboard.press("End")
    assert re.search(r"#4 CONV_2D · cpu .*an odd stride", readout.inner_text())
    assert "cpu" in str(strip.get_attribute("aria-valuetext"))
    tab.keyboard.press("ArrowLeft")
    assert "#3 CONV_2D · elided" in readout.inner_text()
    box = strip.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 10)
    assert "#1 CONV_2D · executed · 100 MACs · 1,000 cycles by Vela, 10.0 %, 30 % of them waiting" in readout.inner_text()


def test_a_mark_of_a_chart_says_what_it_is(open_page: Open, report: Path) -> None:
    tab = open_page(report).tab
    tab.locator('.dumbbells [role="graphics-symbol"][aria-label*="documented"]').last.hover()
    assert "85.0 % documented, 80.0 % found" in tab.locator("#tip").inner_text()


def test_a_phone_needs_no_sideways_scrolling(open_page: Open, report: Path) -> None:
    tab = open_page(report, viewport=PHONE, has_touch=True, is_mobile=True).tab
    tab.add_style_tag(content=LAID_OUT)
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert [height for height in tab.evaluate(TEXT_HEIGHTS) if 0 < height < LEGIBLE_PX] == []


def test_dark_mode_follows_the_system_and_the_button(open_page: Open, report: Path) -> None:
    def lightness(tab: Any) -> int:
        return int(tab.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"))

    dark = open_page(report, color_scheme="dark").tab
    assert lightness(dark) < 60
    light = open_page(report, color_scheme="light").tab
    assert lightness(light) > 200
    light.locator("#theme").click()
    assert lightness(light) < 60
    ink = light.evaluate("getComputedStyle(document.querySelector('.dumbbells svg text')).fill")
    assert int(re.findall(r"\d+", ink)[0]) > 120, ink


def test_it_prints_in_ink_on_paper_with_everything_unfolded(open_page: Open, report: Path, tmp_path: Path) -> None:
    tab = open_page(report, color_scheme="dark").tab
    printed = tab.pdf(path=str(tmp_path / "report.pdf"), format="A4", print_background=False)
    assert printed.startswith(b"%PDF")
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not tab.locator("header.bar").is_visible()


def test_without_scripts_the_answer_and_the_figures_are_there(open_page: Open, report: Path) -> None:
    tab = open_page(report, java_script_enabled=False).tab
    assert tab.locator("h1").inner_text() == "Do not ship"
    assert tab.locator(".dumbbells svg").count() >= 1


def paint_ms(tab: Any) -> float:
    """Milliseconds from the start of the navigation to the first paint with content."""
    watch = """new Promise(painted => new PerformanceObserver(list => {
        const found = list.getEntriesByName('first-contentful-paint')[0];
        if (found) painted(found.startTime);
    }).observe({type: 'paint', buffered: true}))"""
    return float(tab.evaluate(watch))  # no polling: that needs eval, which the page's policy forbids


def test_the_first_paint_comes_at_once(open_page: Open, report: Path) -> None:
    assert paint_ms(open_page(report).tab) < FIRST_PAINT_MS


def test_a_page_as_large_as_that_of_the_six_models_is_small_and_quick(open_page: Open, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", NAMES)
    for name in NAMES:
        path = run.folder / "placement" / f"{name}-ethos-u65-256.json"
        content = json.loads(path.read_text())
        content["operators"] = [
            {**content["operators"][i % 5], "index": i, "name": f"net/{'module.' * 12}Layer_{i}"} for i in range(350)
        ]
        path.write_text(json.dumps(content))
    write_page(run, tmp_path / "report.html")
    opened = open_page(tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < LARGEST_BYTES
    assert paint_ms(opened.tab) < FIRST_PAINT_MS
    assert opened.tab.locator(".strip").count() == 7
    assert opened.said == []


@pytest.fixture(scope="module")
def history_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run after 80 others: from the 61st on another recipe, which all estimates show and one latency."""
    folder = tmp_path_factory.mktemp("history")
    run = write_run(folder / "run", NAMES, run={"started": "2026-12-31T00:00:00+00:00"})
    url = history_url(str(folder / "history.db"), folder)
    for i in range(80):
        content = json.loads(json.dumps(run.written.to_json()))
        started = f"2026-{i // 28 + 1:02d}-{i % 28 + 1:02d}T00:00:00+00:00"
        content["records"] = [record for record in content["records"] if record["metric"] in ("estimated_us", "latency_us")]
        content["run"] |= {"id": f"run{i:02d}", "started": started, "commit": f"{i:02d}" * 20}
        for record in content["records"]:
            record["identity"]["options"] = {"recipe": "fast" if i < 60 else "balanced"}
            if record["metric"] == "estimated_us":
                record["value"] *= 1.02 if i < 60 else 1
            if record["metric"] == "latency_us":
                slow = record["variant"] == "level2_relu" and i >= 60
                record["value"] *= (1.1 if slow else 1) * (1 + 0.001 * (i * 7 % 5))
        History(url).add(stored_run(content, [], run.folder))
    write_page(run, folder / "report.html", past=past_of(run, url))
    return folder / "report.html"


def test_the_history_says_what_changed_and_draws_it(open_page: Open, history_page: Path) -> None:
    opened = open_page(history_page)
    opened.tab.add_style_tag(content=LAID_OUT)
    section = opened.tab.locator("#history")
    assert opened.said == []
    assert "Drawn are the last 60 of 81 runs" in section.inner_text()
    event = section.locator(".events > li").last
    for words in ("run60", "options.recipe: fast -> balanced", "7 figures changed by -1.96 %", "+10.00 % for level2_relu"):
        assert words in event.inner_text()
    charts = section.locator("figure.chart")
    assert [charts.nth(i).locator("h3").inner_text() for i in range(charts.count())] == [
        "Vela's estimate, ms",
        "Median latency, ms",
    ]
    assert charts.nth(0).locator('[aria-label*="-1.96 %"]').count() == 7


def test_the_mouse_reads_a_run_of_the_history(open_page: Open, history_page: Path) -> None:
    tab = open_page(history_page).tab
    tab.add_style_tag(content=LAID_OUT)
    chart = tab.locator("#history figure.chart").nth(1)
    chart.scroll_into_view_if_needed()
    band = chart.locator('[role="graphics-symbol"][aria-label^="run70, commit 7070707070: "]')
    box = band.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert re.search(
        r"run70, commit 7070707070: level2_relu 5\.5\d, .*level4_leaky 5\.\d\d ms", tab.locator("#tip").inner_text()
    )


def test_a_history_is_small_and_quick_and_fits_a_phone(open_page: Open, history_page: Path) -> None:
    assert history_page.stat().st_size < LARGEST_BYTES / 5
    tab = open_page(history_page, viewport=PHONE, has_touch=True, is_mobile=True).tab
    assert paint_ms(tab) < FIRST_PAINT_MS
    tab.add_style_tag(content=LAID_OUT)
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    heights = tab.evaluate(
        "[...document.querySelectorAll('#history svg text')].map(text => text.getBoundingClientRect().height)"
    )
    assert [height for height in heights if 0 < height < LEGIBLE_PX] == []
