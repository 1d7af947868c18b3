"""Outputs of a lowered model are the float graph's values in the float graph's layout.

Covers harness.workbench.float_outputs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from conversion.file_kinds import TOSA
from conversion.pipeline import Source
from core.records.artefact import ModelFile
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Tensor
from harness.workbench.float_outputs import float_outputs

FILE = ModelFile(Path("model.tosa"), "a")
BYTES = np.arange(24, dtype=np.int8)


def source(scales: tuple[float, ...]) -> Source:
    tensor = Tensor(index=0, name="out", shape=(1, 2, 3, 4), dtype="int8", scales=scales, zero_points=(2,) * len(scales))
    graph = TfliteGraph(name="m", operators=(), tensors=(tensor,), inputs=(), outputs=(tensor,), weights="", structure="")
    return Source("m", FILE, graph, 64, floating=ModelFile(Path("float.onnx"), "b"), kind=TOSA)


def test_integers_become_what_the_programs_dequantize_gives() -> None:
    ((found,),) = float_outputs([[BYTES]], source((0.5,)), "nchw")  # type: ignore[misc]
    assert found.shape == (1, 2, 3, 4)
    assert found.dtype == np.float32
    assert found.reshape(-1).tolist() == [(value - 2) * 0.5 for value in range(24)]


def test_channels_that_lie_last_come_to_the_front() -> None:
    ((found,),) = float_outputs([[BYTES]], source((1.0,)), "nhwc")  # type: ignore[misc]
    assert found.shape == (1, 4, 2, 3)
    assert found[0, 3, 1, 2] == 23 - 2
    assert found[0, 0, 0, 1] == 4 - 2


def test_without_scales_there_is_no_value() -> None:
    assert isinstance(float_outputs([[BYTES]], source(()), "nchw"), Unavailable)
