"""Computes the board's cells and writes them: `python -m benchmarks.studies.board` (`make board`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import click

from benchmarks.studies.board.changes import changes
from benchmarks.studies.board.measure import cells
from benchmarks.studies.board.models import SIZE, board_models
from benchmarks.studies.board.page import CHANGES, DATA, FOLDER
from conversion.profile_files import profile_names
from core.files import write_whole
from core.versions import versions_of
from harness.explore.exploration import Cell, Exploration
from harness.explore.exploration_file import read_exploration, text_of

COMMAND = "make board"
PACKAGES = ("ethos-bench", "ethos-u-vela", "ultralytics-opencv-headless", "litert-torch", "tflite-micro")


@click.command()
@click.option("--models", "names", multiple=True, help="Only these (repeatable).")
@click.option("--npu", "npus", multiple=True, default=profile_names(), help="Only these (repeatable; default: all).")
@click.option("--size", "sizes", type=int, multiple=True, default=(SIZE,), show_default=True, help="Images, px (repeatable).")
@click.option("--data", type=click.Path(path_type=Path, exists=True), default=os.environ.get("ETHOS_BENCH_TEST_DATA"))
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
def main(names: tuple[str, ...], npus: tuple[str, ...], sizes: tuple[int, ...], data: Path | None, folder: Path) -> None:
    """Compute cells and put them into the board's file, in place of those of the same model, NPU and size."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DATA
    before = read_exploration(path) if path.exists() else None
    models = [model for model in board_models(data, sizes) if not names or model.name in names]
    found = tuple(cells(models, npus, lambda text: click.echo(text, err=True)))
    board = board_with(before, found)
    write_whole(path, text_of(board))
    if before:
        write_whole(folder / CHANGES, changes(before, board).to_text())
    click.echo(f"{len(models)} models, {len(found)} cells, {sum(bool(cell.failed) for cell in found)} failed")


def board_with(board: Exploration | None, found: Sequence[Cell]) -> Exploration:
    """A board with cells in place of those that it had of the same model, NPU and size, by whichever Vela."""
    new = {(cell.key.model, cell.key.npu, cell.key.image_size): cell for cell in found}
    kept = {(cell.key.model, cell.key.npu, cell.key.image_size): cell for cell in board.cells} if board else {}
    return Exploration(
        made=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=COMMAND,
        versions=versions_of(PACKAGES),
        cells=tuple({**kept, **new}.values()),
    )


if __name__ == "__main__":
    main()
