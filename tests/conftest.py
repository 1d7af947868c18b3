"""What tests of several folders share."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

CONVERTED_SIZE = 64
CONVERTED_VARIANT = "level2_leaky"


@pytest.fixture(scope="session")
def conversion_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for the whole session: an export takes half a minute whatever the image size, and is made once."""
    folder = tmp_path_factory.mktemp("conversions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def seeded_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint file with the seeded weights of one variant, trained (it says) at 64 px."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("ultralytics")
    from conversion.checkpoint import build_seeded
    from conversion.variants import BY_NAME

    module = copy.deepcopy(build_seeded(BY_NAME[CONVERTED_VARIANT]).module)
    path = tmp_path_factory.mktemp("seeded") / "mine.pt"
    torch.save({"model": module, "train_args": {"imgsz": CONVERTED_SIZE}}, path)
    return path
