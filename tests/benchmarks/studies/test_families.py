"""Training of other families and their losses: what lies beside the data stays as it is, and names tell trainings apart.

Covers benchmarks.studies.recipes.train_families benchmarks.studies.recipes.losses.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.tasks.detect.dataset import load_dataset
from tests.benchmarks import tiny

pytest.importorskip("ai_edge_quantizer", reason="needs the extra `convert`")

from benchmarks.studies.recipes.losses import checkpoint_name
from benchmarks.studies.recipes.train_families import copied_data

pytestmark = pytest.mark.convert


def test_training_reads_copies_of_the_calibration_images_with_their_boxes(tmp_path: Path) -> None:
    data = tiny.write_data(tmp_path / "data", images=3)
    before = sorted(path for path in (tmp_path / "data").rglob("*"))
    copy = copied_data(data, tmp_path / "copy")
    own, copied = load_dataset(data, split="train"), load_dataset(copy, split="train")
    assert copied.identity == own.identity
    assert all(image.path.is_relative_to(tmp_path / "copy") for image in copied.images)
    assert sorted(path for path in (tmp_path / "data").rglob("*")) == before


def test_a_checkpoint_of_a_training_has_the_name_of_its_folder() -> None:
    assert checkpoint_name(Path("runs/mine/weights/best.pt")) == "mine"
    assert checkpoint_name(Path("runs/yolo26n.pt")) == "yolo26n"
