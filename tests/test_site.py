"""The documentation site as it is read from a folder, without a network: nothing is asked of a server, and search finds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.studies.screenshots import SHOTS, chromium, take
from tests.checkout import CHECKOUT
from tests.lanes import skip_reason

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE_WIDTH = 375


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("zensical", reason="the site's generator needs Python 3.11")
    why = skip_reason("browser", lambda: "" if shutil.which("chromium") else "no `chromium` on PATH (apt-get install chromium)")
    if why:
        pytest.skip(why)
    program = shutil.which("zensical", path=str(CHECKOUT / ".venv/bin")) or "zensical"
    folder = tmp_path_factory.mktemp("site")  # of each process its own: two may build at once
    shutil.copytree(CHECKOUT / "docs", folder / "docs")
    shutil.copy(CHECKOUT / "zensical.toml", folder)
    done = subprocess.run([program, "build", "--clean", "--strict"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build/site"


def test_search_finds_offload_without_a_network_and_no_page_asks_a_server(site: Path) -> None:
    with chromium() as browser:
        for page in ("index.html", "guides/ci.html"):
            asked: list[str] = []
            tab = browser.new_context(offline=True).new_page()
            tab.on("request", lambda request: asked.append(request.url))  # noqa: B023  # called before the next page
            tab.goto((site / page).as_uri())
            tab.keyboard.press("/")
            tab.wait_for_timeout(300)
            tab.keyboard.type("offload")
            tab.get_by_text("may be called measured").first.wait_for(timeout=30_000)
            assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_phone_shows_the_start_page_without_scrolling_sideways(site: Path) -> None:
    with chromium() as browser:
        tab = browser.new_context(viewport={"width": PHONE_WIDTH, "height": 740}).new_page()
        tab.goto((site / "index.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH


def test_a_picture_of_a_part_that_is_not_there_is_none(site: Path) -> None:
    with chromium() as browser:
        shots = {shot.name: shot for shot in SHOTS}
        picture = take(browser, shots["site-phone"], site / "index.html")
        assert picture is not None
        assert picture[8:12] == b"WEBP"
        assert take(browser, shots["report-history"], site / "index.html") is None
