"""The page of an exploration: a heat map, a plot, limits and a table in one file that asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from core.files import storage_errors, write_whole
from harness.explore import front
from harness.explore.answer_words import no_answer
from harness.explore.exploration import Exploration
from harness.explore.page_content import ExplorationContent, ShownCell, content_of
from harness.report.html.exhibits import BADGES
from harness.report.html.page import environment, own_file, script_sha256


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a page says of itself: its `title`, a sentence below it, and what changed since `since` ("" for nothing before)."""

    title: str = "Exploration"
    lead: str = ""
    since: str = ""
    changes: Sequence[str] = ()


def write_page(exploration: Exploration, output: Path, words: Words | None = None) -> None:
    """Write the page of an exploration, without limits; StorageError when it cannot be written."""
    text = exploration_page(exploration, words or Words())
    with storage_errors(f"write `{output}`", "a writable folder", "--html explore.html"):
        write_whole(output, text)


def exploration_page(exploration: Exploration, words: Words, limits: front.Limits | None = None) -> str:
    """The page of an exploration as text; its sliders start at the `limits`, None for no limit."""
    limits = limits or front.Limits()
    content, answer = content_of(exploration), front.answer(exploration.cells, limits)
    best = answer.cheapest
    style = own_file("report.css") + own_file("exploration.css")
    script = own_file("exploration.js")
    return environment().get_template("exploration.html.jinja").render(
        **vars(content),
        **vars(words),
        exploration=exploration,
        failed=sum(bool(cell.failed) for cell in content.cells),
        npu=best.key.npu if best else "None",
        answer=_said(content, answer),
        badges=BADGES,
        data={
            **asdict(content.for_script(limits)),
            "evidenceWords": {name: meaning for name, (_, meaning) in BADGES.items()},
        },
        style=style,
        script=script,
        script_hash=script_sha256(script),
        heat=_heat(content),
    )  # fmt: skip


def _said(content: ExplorationContent, answer: front.Answer) -> str:
    """What stands below the cheapest NPU."""
    best = answer.cheapest
    if not best:
        text = no_answer(len(content.cells), answer.excluded)
        return f"{text[0].upper()}{text[1:]}."
    return f"The cheapest NPU, with {next(cell.told for cell in content.cells if cell.key == best.key.digest)}."


def _heat(content: ExplorationContent) -> list[tuple[str, list[ShownCell | None]]]:
    """Each row of the heat map with its cell on each NPU, None where none was asked for."""
    places = {(cell.row, cell.npu): cell for cell in content.cells}
    return [(row, [places.get((row, npu)) for npu in content.npus]) for row in content.rows]
