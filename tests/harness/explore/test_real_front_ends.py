"""A seeded detector explored by both front ends, lowered by ExecuTorch itself: bytes proved, and judged on its NPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.executorch.lowering import LAYOUTS
from conversion.variants import CLASSES
from harness.explore import work
from harness.explore.accuracy import judged_part, scored
from harness.explore.exploration import Cell, Figure
from harness.explore.plan import ExploreOptions, planned
from harness.explore.requests import CellRequest
from tests.benchmarks import tiny
from tests.conversion.executorch.lane import require_executorch

SIZE = 64


def found(request: CellRequest) -> tuple[Cell, tuple[Figure, ...]]:
    expected = work.worker_identity()
    refused = work.converted(request.source, expected)
    parts = [judged_part(request.accuracy, (part, 2), expected, refused) for part in range(2)]
    return work.computed(request, expected, refused), scored(request.accuracy, parts, expected, refused)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.convert
def test_both_front_ends_of_a_detector_have_bytes_and_an_accuracy(seeded_checkpoint: Path, tmp_path: Path) -> None:
    require_executorch()
    data = tiny.write_data(tmp_path, 4, f"[{', '.join(CLASSES)}]")
    options = ExploreOptions(
        checkpoint=(seeded_checkpoint,),
        frontend=("tflite", "executorch"),
        imgsz=(SIZE,),
        data=data,
        calibration_images=2,
        bytes=True,
    )
    cells = {request.key.layout: found(request) for request in planned(options)}
    assert list(cells) == ["", *LAYOUTS]
    for layout, (cell, figures) in cells.items():
        assert cell.value("bit_exact") is True, cell
        (quality,) = [one for one in figures if one.metric == "map50_95"]
        assert isinstance(quality.value, float), quality
        assert quality.graph == ("npu" if layout else "int8")
