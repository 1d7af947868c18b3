"""An exploration as a file: what was written is read again, what repeats stands once, and what is damaged is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from core.errors import UsageError
from harness.explore.exploration import Exploration
from harness.explore.exploration_file import FirstSchema, read_exploration, text_of
from tests.harness.explore.test_exploration import ALL, DONE


def written(exploration: Exploration, folder: Path) -> Path:
    (folder / "found.json").write_text(text_of(exploration), "utf-8")
    return folder / "found.json"


def test_what_is_written_is_read_again_one_cell_on_a_line(tmp_path: Path) -> None:
    path = written(ALL, tmp_path)
    assert read_exploration(path) == ALL
    assert sum(line.startswith('{"figures"') or '"failed"' in line for line in path.read_text("utf-8").splitlines()) == 2


def test_what_figures_of_many_cells_share_stands_once(tmp_path: Path) -> None:
    noted = replace(DONE.figures[0], note="a long note that says how far it is validated")
    cells = tuple(replace(DONE, key=replace(DONE.key, npu=f"npu{number}"), figures=(noted,)) for number in range(9))
    text = text_of(replace(ALL, cells=cells))
    assert (text.count(noted.note), text.count("estimated_us")) == (1, 1)


def test_a_file_of_the_first_schema_is_read(tmp_path: Path) -> None:
    first = TypeAdapter(FirstSchema).dump_json(FirstSchema(schema="ethos-bench-explore/1", **vars(ALL)))
    (tmp_path / "first.json").write_bytes(first)
    assert read_exploration(tmp_path / "first.json") == ALL


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "Invalid JSON"),
        ('{"schema": "ethos-bench-explore/9"}', "schema"),
        (text_of(ALL)[:-40], "Invalid JSON"),
        (text_of(ALL).replace('"compiled"', '"guessed"'), "evidence"),
        (text_of(ALL).replace('"stat"', '"status"'), "status"),
        (text_of(ALL).replace("[2, ", "[7, "), "kind 7 of 3"),
    ],
)
def test_a_damaged_file_is_refused_and_says_where(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "found.json"
    path.write_text(content, "utf-8")
    with pytest.raises(UsageError, match=complaint):
        read_exploration(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_exploration(tmp_path / "gone.json")
