"""A classifier of MLPerf Tiny judged end to end, on photographs that come inside packages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conversion.checkpoint import packaged_images
from tests.benchmarks.conftest import run_in
from tests.conversion.real_data import real_model

pytestmark = [pytest.mark.data, pytest.mark.slow]
EACH = 2


def write_photographs(folder: Path) -> Path:
    """Windows of photographs with people (ultralytics) and of a temple and a flower (scikit-learn), as classes of a folder."""
    samples = pytest.importorskip("sklearn.datasets").load_sample_images().images
    people = [np.asarray(Image.open(path).convert("RGB")) for path in packaged_images()]
    for name, photographs in (("nobody", samples), ("person", people)):
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(photographs):
            for window in range(EACH):
                side = min(pixels.shape[:2]) * 9 // 10
                left = (pixels.shape[1] - side) * window // (EACH - 1)
                Image.fromarray(pixels[:side, left : left + side]).save(folder / name / f"{number}-{window}.png")
    return folder


@pytest.mark.convert
def test_visual_wake_words_is_judged_on_the_host_and_on_the_npu_with_the_same_answers(tmp_path: Path) -> None:
    model = real_model("tiny/vww_96_int8.tflite")
    data = write_photographs(tmp_path / "photographs")
    options = ("--model", model, "--data", data, "--preprocess", "mean=0,std=255", "--accuracy-on-target")
    found = run_in(tmp_path, tmp_path / "cache", "--target", "sim", *options, report=True)
    found.says()
    assert found.code == 0
    assert found.value("bit_exact") is True
    assert found.record("top1", graph="npu")["note"].startswith("8 inputs")
    assert found.value("auc", graph="int8") > 0.5
    assert (found.folder / "report.html").is_file()
