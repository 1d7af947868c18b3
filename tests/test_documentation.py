"""The documentation holds together: every link inside it leads somewhere, the site has every page, generated pages are as made.

Covers harness.cli.profiles_page, harness.cli.simulator_page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.errors import EthosBenchError
from harness.cli import profiles_page, simulator_page
from tests.checkout import CHECKOUT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCS = CHECKOUT / "docs"
REPOSITORY = "https://github.com/ethos-bench/ethos-bench/blob/main/"
RAW = "https://raw.githubusercontent.com/ethos-bench/ethos-bench/main/"
PAGES = [*sorted(DOCS.rglob("*.md")), CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", CHECKOUT / "ARCHITECTURE.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
CODE = re.compile(r"^(?:```.*?^```|(?: {4}|\t)[^\n]*)$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[str]:
    """Every link of a page to something of ours."""
    for address in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        if address.startswith((REPOSITORY, RAW)):
            yield address.removeprefix(REPOSITORY).removeprefix(RAW)
        elif "://" not in address and not address.startswith("mailto:"):
            yield str((page.parent / address).resolve().relative_to(CHECKOUT)) if not address.startswith("#") else address


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_inside_the_documentation_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = CHECKOUT / name if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def navigation(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else navigation(value)


def test_the_site_has_every_page_but_decisions_in_its_navigation() -> None:
    written = tomllib.loads((CHECKOUT / "zensical.toml").read_text("utf-8"))
    listed = set(navigation(written["project"]["nav"]))
    there = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if "decisions" not in page.parts}
    assert listed == there


def test_every_kind_of_error_has_a_page_with_its_cause_and_the_way_out() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EthosBenchError)]
    index = (DOCS / "errors" / "index.md").read_text("utf-8")
    for kind in kinds:
        if kind is EthosBenchError:
            continue
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
        text = (DOCS / "errors" / f"{name}.md").read_text("utf-8")
        assert f"`{kind.__name__}`, exit code {kind.exit_code}" in text
        assert all(f"## {part}" in text for part in ("How it looks", "Why", "The way out"))
        assert f"[{kind.__name__}]({name}.md)" in index


@pytest.mark.parametrize("made", [profiles_page, simulator_page])
def test_a_generated_page_is_as_it_would_be_made_now(made: Any) -> None:
    assert made.PAGE.read_text("utf-8") == made.page(), f"python -m {made.__name__}"


def test_the_readme_renders_where_only_its_text_is_known() -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    assert [link for link in LINK.findall(text) if not link.startswith("https://")] == []
    assert "```mermaid" not in text
    assert len(text.splitlines()) < 120


def test_the_readme_names_commands_and_options_that_exist() -> None:
    from harness.cli import MODULES

    text = (CHECKOUT / "README.md").read_text("utf-8")
    used = set(re.findall(r"(?:\$ |^ {4}|-- |from \. )ethos-bench ([a-z-]+)", text, re.MULTILINE))
    assert used
    assert used <= MODULES.keys()
    options = (DOCS / "reference" / "options.md").read_text("utf-8")
    for line in re.findall(r"ethos-bench run ([^\n]*)", text):
        assert [option for option in re.findall(r"--[a-z-]+", line) if f"`{option}" not in options] == []
