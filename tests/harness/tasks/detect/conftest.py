"""Data sets made on the spot, and the real ones where they exist."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from PIL import Image

from harness.tasks.detect.dataset import Dataset, load_dataset
from tests.checkout import CHECKOUT


class WriteDataset(Protocol):
    def __call__(self, labels: dict[str, str], yaml: str = ..., size: tuple[int, int] = ...) -> Path: ...


@pytest.fixture
def write_dataset(tmp_path: Path) -> WriteDataset:
    """Writes images and labels {stem: label text} with a data.yaml, and returns the yaml."""

    def write(
        labels: dict[str, str],
        yaml: str = "path: .\ntest: test/images\nnc: 2\nnames: [cat, dog]\n",
        size: tuple[int, int] = (40, 20),
    ) -> Path:
        for folder in ("images", "labels"):
            (tmp_path / "test" / folder).mkdir(parents=True, exist_ok=True)
        for number, (stem, text) in enumerate(labels.items()):
            Image.new("RGB", size, (number, 0, 0)).save(tmp_path / "test" / "images" / f"{stem}.png")
            (tmp_path / "test" / "labels" / f"{stem}.txt").write_text(text)
        path = tmp_path / "data.yaml"
        path.write_text(yaml)
        return path

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real models and images."""
    place = Path(os.environ.get("ETHOS_BENCH_TEST_DATA", CHECKOUT.parent / "shared"))
    if not (place / "datasets").is_dir():
        pytest.skip(f"no real images in `{place}`: set ETHOS_BENCH_TEST_DATA")
    return place


@pytest.fixture(scope="session")
def traffic_signs(real_data: Path) -> Dataset:
    """Every tenth image of the real test split."""
    return load_dataset(real_data / "datasets/traffic-signs/data.yaml", images=64)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)
