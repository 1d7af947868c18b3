"""The pictures of the documentation: `python -m benchmarks.studies.screenshots RUN` (`make screenshots RUN=...`).

Headless Chromium opens the report of a run and the site (`make docs`) from their files, without a network. A picture whose
section the report does not have (no data, no history) is left as it is, and that is said.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAUSE_MS = 700
"""Until pictures are decoded and charts have settled."""
QUALITY = 80
"""Of WebP: text stays sharp, and all pictures together stay under half a megabyte."""
DESKTOP, PHONE = (1200, 707), (390, 780)
OPENED = "section { content-visibility: visible !important; } header, nav { position: static !important; }"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A picture: of which page, which part (a CSS selector, "" for the first screen), window, colours, what is searched first.

    `chosen` is what stands behind the # of the page's address. Of a part taller than `most_height` px the upper end is taken.
    """

    name: str
    page: Literal["report", "classifier", "site", "board", "six"]
    part: str = ""
    size: tuple[int, int] = DESKTOP
    dark: bool = False
    search: str = ""
    chosen: str = ""
    most_height: int = 700


SHOTS = (
    Shot(name="report", page="report"),
    Shot(name="report-phone", page="report", size=PHONE, dark=True),
    Shot(name="report-network", page="report", part="#network", most_height=560),
    Shot(name="report-images", page="report", part="#accuracy .pictures", most_height=340),
    Shot(name="report-rules", page="report", part="#rules"),
    Shot(name="report-history", page="report", part="#history"),
    Shot(name="report-classifier", page="classifier", part="#accuracy", most_height=650),
    Shot(name="board", page="board", size=(1200, 900), chosen="filter=yolo&latency=33000"),
    Shot(name="board-plot", page="board", part="#plot", most_height=640, chosen="filter=yolo"),
    Shot(name="board-phone", page="board", size=PHONE, dark=True, chosen="filter=yolo&latency=33000"),
    Shot(name="explore-six", page="six", size=(1200, 900), chosen="filter=level3+640px&latency=33000&map=0.6"),
    Shot(name="explore-six-plot", page="six", part="#plot", most_height=640, chosen="filter=5.2.0"),
    Shot(name="site", page="site"),
    Shot(name="site-phone", page="site", size=PHONE),
    Shot(name="site-search", page="site", search="offload"),
)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium that has no network."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if not program:
        raise click.ClickException("no `chromium` on PATH (apt-get install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def take(browser: Any, shot: Shot, page: Path) -> bytes | None:
    """The picture as WebP, None when the page does not have the part."""
    width, height = shot.size
    options = {"viewport": {"width": width, "height": height}, "color_scheme": "dark" if shot.dark else "light"}
    context = browser.new_context(**options, offline=True)
    try:
        tab = context.new_page()
        tab.goto(page.as_uri() + (f"#{shot.chosen}" if shot.chosen else ""))
        tab.add_style_tag(content=OPENED)
        tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        tab.wait_for_timeout(PAUSE_MS)
        if shot.search:
            tab.keyboard.press("/")
            tab.wait_for_timeout(PAUSE_MS)
            tab.keyboard.type(shot.search)
            tab.wait_for_timeout(3 * PAUSE_MS)
        where = tab.locator(shot.part).first if shot.part else tab
        if shot.part and not tab.locator(shot.part).count():
            return None
        return _webp(where.screenshot(type="png"), shot.most_height if shot.part else height)
    finally:
        context.close()


def _webp(png: bytes, most_height: int) -> bytes:
    """A PNG as WebP, cut at a height."""
    held, image = io.BytesIO(), Image.open(io.BytesIO(png))
    cut = image.crop((0, 0, image.width, min(image.height, most_height)))
    cut.convert("RGB").save(held, "WEBP", quality=QUALITY, method=6)
    return held.getvalue()


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--site", type=click.Path(path_type=Path), default=ROOT / "build/site", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "docs/images", show_default=True)
@click.option("--classifier", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Run of a classifier.")
@click.option("--only", multiple=True, help="Names of pictures (repeatable).")
def main(run: Path, site: Path, output: Path, classifier: Path | None, only: tuple[str, ...]) -> None:
    """Write every picture, or those that --only names."""
    folder = site.absolute()
    pages = {
        "report": run.absolute() / "report.html", "site": folder / "index.html", "board": folder / "board/index.html",
        "six": folder / "explorations/six/index.html",
    }  # fmt: skip
    if classifier:
        pages["classifier"] = classifier.absolute() / "report.html"
    output.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for shot in (one for one in SHOTS if not only or one.name in only):
            page = pages.get(shot.page)
            picture = take(browser, shot, page) if page and page.is_file() else None
            if picture is None:
                why = f"`{page}` has no {shot.part or 'such file'}" if page else "no run of a classifier was given"
                click.echo(f"{shot.name}: left as it is, {why}")
                continue
            (output / f"{shot.name}.webp").write_bytes(picture)
            click.echo(f"{shot.name}: {len(picture):,} bytes")


if __name__ == "__main__":
    main()
