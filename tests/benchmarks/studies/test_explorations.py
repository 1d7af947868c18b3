"""Committed explorations: each has its page about it, is small, and becomes a page of the site."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.studies.explorations import FOLDER, exploration_pages, keep
from core.errors import UsageError
from harness.explore import front
from harness.explore.exploration import Exploration
from harness.explore.exploration_file import read_exploration, text_of
from tests.benchmarks.studies.test_board import cell

MOST_BYTES, MOST_BYTES_OF_A_PAGE = 1_000_000, 1_200_000


def exploration(*models: str, made: str = "2026-11-29T10:00:00+00:00") -> Exploration:
    return Exploration(made=made, command="explore", versions={}, cells=tuple(cell(model, 1 << 20) for model in models))


def test_every_committed_exploration_is_small_and_becomes_a_page_with_each_of_its_cells(tmp_path: Path) -> None:
    pages = exploration_pages(FOLDER, tmp_path)
    assert [page.parent.name for page in pages] == sorted(path.stem for path in FOLDER.glob("*.md"))
    for page in pages:
        data, text = FOLDER / f"{page.parent.name}.json", page.read_text("utf-8")
        assert [one.key.name for one in read_exploration(data).cells if one.key.digest not in text] == []
        assert data.stat().st_size < MOST_BYTES
        assert page.stat().st_size < MOST_BYTES_OF_A_PAGE


def test_the_six_are_explored_on_five_npus_at_four_sizes_by_four_velas_and_judged() -> None:
    cells = read_exploration(FOLDER / "six.json").cells
    counts = Counter((one.key.model, one.key.npu, one.key.image_size, one.key.vela) for one in cells)
    assert [len({key[axis] for key in counts}) for axis in range(4)] == [6, 5, 4, 4]
    assert (len(counts), set(counts.values())) == (480, {1})
    assert [one.key.name for one in cells if not one.failed and front.map50_95(one) is None] == []


def test_the_answer_that_the_page_about_the_six_gives_is_the_datas() -> None:
    cells = read_exploration(FOLDER / "six.json").cells
    text = (FOLDER / "six.md").read_text("utf-8")
    for latency, npu in ((33e3, "ethos-u65-256"), (30e3, "ethos-u85-256")):
        cheapest = front.answer(cells, front.Limits(latency_us=latency, map50_95=0.6)).cheapest
        assert cheapest
        assert cheapest.key.npu == npu
        us = front.latency_us(cheapest)
        assert us
        assert f"{us / 1e3:.2f} ms" in text


def test_data_without_a_page_about_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(text_of(exploration("one")))
    with pytest.raises(UsageError, match="has no title"):
        exploration_pages(tmp_path, tmp_path / "site")
    (tmp_path / "mine.md").write_text("# Mine & yours\n")
    (page,) = exploration_pages(tmp_path, tmp_path / "site")
    assert "<title>Mine &amp; yours: ethos-bench</title>" in page.read_text("utf-8")


def test_pieces_are_kept_as_one_exploration(tmp_path: Path) -> None:
    first, second = exploration("one", "two"), exploration("two", "three", made="2026-11-30T10:00:00+00:00")
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, piece in zip(paths, (first, second), strict=True):
        path.write_text(text_of(piece))
    kept = read_exploration(keep("all", paths, tmp_path))
    assert kept == replace(second, cells=(*first.cells[:1], *second.cells))
