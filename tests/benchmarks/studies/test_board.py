"""The model board: its data is whole, its page is made of it, and what changed is told.

Covers benchmarks.studies.board.measure, benchmarks.studies.board.models.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.studies.board.__main__ import board_with
from benchmarks.studies.board.changes import changes, read_changes
from benchmarks.studies.board.measure import cells
from benchmarks.studies.board.models import BoardModel
from benchmarks.studies.board.page import CHANGES, DATA, FOLDER, board_page
from conversion.profile_files import profile_names
from core.errors import UsageError
from core.files import file_sha256
from core.records.evidence import Evidence
from harness.explore.exploration import Cell, CellKey, Exploration, Figure
from harness.explore.exploration_file import read_exploration, text_of
from tests.benchmarks import tiny

LARGEST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def board() -> Exploration:
    """The committed board."""
    return read_exploration(FOLDER / DATA)


def test_the_board_has_at_least_twelve_models_on_every_configuration(board: Exploration) -> None:
    models = Counter((cell.key.model, cell.key.image_size) for cell in board.cells)
    assert len({model for model, _ in models}) >= 12
    assert {cell.key.npu for cell in board.cells} == set(profile_names())
    assert set(models.values()) == {len(profile_names())}
    assert (FOLDER / DATA).stat().st_size < LARGEST_BYTES


def test_some_models_are_on_the_board_at_two_sizes_and_larger_images_take_longer(board: Exploration) -> None:
    times = {(cell.key.model, cell.key.npu, cell.key.image_size): cell.number("estimated_us", "open") for cell in board.cells}
    pairs = [
        (time, times[model, npu, 640])
        for (model, npu, size), time in times.items()
        if size == 320 and (model, npu, 640) in times
    ]
    assert len(pairs) >= 2 * len(profile_names())
    assert [pair for pair in pairs if pair[0] and pair[1] and pair[1] <= 2 * pair[0]] == []


def test_seeded_weights_have_no_accuracy_on_the_board_and_no_cell_is_empty(board: Exploration) -> None:
    assert [cell.key.name for cell in board.cells if any("map" in figure.metric for figure in cell.figures)] == []
    assert [cell.key.name for cell in board.cells if bool(cell.failed) == bool(cell.figures)] == []


def test_the_page_is_made_of_the_committed_data(board: Exploration, tmp_path: Path) -> None:
    board_page(FOLDER, tmp_path / "board/index.html")
    text = (tmp_path / "board/index.html").read_text("utf-8")
    assert [cell.key.name for cell in board.cells if cell.key.digest not in text] == []
    assert "What changed since" not in text or (FOLDER / CHANGES).exists()


def test_data_that_is_no_board_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / DATA).write_text("[]")
    with pytest.raises(UsageError, match="no exploration"):
        board_page(tmp_path, tmp_path / "index.html")
    (tmp_path / CHANGES).write_text('{"since": 3}')
    with pytest.raises(UsageError, match="does not say what changed"):
        board_page(tmp_path, tmp_path / "index.html")


def cell(model: str, arena: int, vela: str = "5.1.0", failed: str = "") -> Cell:
    figures = () if failed else (Figure(metric="arena_bytes", value=arena, evidence=Evidence.COMPILED),)
    key = CellKey(model=model, npu="ethos-u65-256", vela=vela, image_size=320)
    return Cell(key=key, weights="seeded", identity={}, figures=figures, failed=failed)


def test_what_changed_is_told_by_cell_and_shown_on_the_page(tmp_path: Path) -> None:
    before = board_with(None, [cell("same", 1 << 20), cell("other", 2 << 20), cell("broken", 3), cell("gone", 4)])
    new = [cell("other", 1 << 20, "5.2.0"), cell("broken", 3, failed="Vela refused"), cell("new", 5)]
    after = board_with(before, new)
    after = replace(after, cells=tuple(one for one in after.cells if one.key.model != "gone"))
    found = changes(before, after)
    assert found.since == before.made
    assert found.lines == (
        "other 320px on ethos-u65-256: Vela 5.1.0 -> 5.2.0",
        "other 320px on ethos-u65-256: arena 2.00 MiB -> 1.00 MiB",
        "broken 320px on ethos-u65-256: had figures -> Vela refused",
        "new 320px on ethos-u65-256: new",
        "gone 320px on ethos-u65-256: gone",
    )
    (tmp_path / CHANGES).write_text(found.to_text())
    (tmp_path / DATA).write_text(text_of(after))
    assert read_changes(tmp_path / CHANGES) == found
    board_page(tmp_path, tmp_path / "index.html")
    assert "arena 2.00 MiB -&gt; 1.00 MiB" in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.slow
def test_a_quantised_file_becomes_cells_with_bytes_and_a_broken_one_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="the extra `explore`")
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path, nothing = tmp_path / "detector.tflite", tmp_path / "nothing.tflite"
    path.write_bytes(tiny.detector())
    nothing.write_bytes(b"nothing")
    models = [BoardModel(file.stem, "trained", file=file) for file in (path, nothing)]
    found, broken = sorted(cells(models, ["ethos-u55-128"], lambda _: None), key=lambda cell: cell.failed)
    assert found.value("bit_exact") is True
    assert (found.identity["accelerator"], found.identity["tflite"]) == ("ethos-u55-128", file_sha256(path))
    assert broken.failed
    assert broken.figures == ()
    assert json.loads(text_of(board_with(None, [broken])))["cells"][0]["failed"] == broken.failed
