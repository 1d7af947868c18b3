"""The board and the model that faults are made on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from tests.boards.boards import Lab
from tests.boards.faults import Scene, settings
from tests.conversion.tflite_builder import TinyModel

SIDE = 96


def patient_model() -> bytes:
    """Tens of milliseconds for each inference, with an input and an output of 0.6 MB."""
    model = TinyModel()
    image = model.tensor((1, SIDE, SIDE, 64), "image")
    return model.finish([image], [model.conv(image, 64, 3)])


def fault_scene(lab: Lab, work: Path) -> Scene:
    """A board of its own, and the outputs that a run without faults gives."""
    path = work / "patient.tflite"
    path.write_bytes(patient_model())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(work / "cache"))
        artefact = compile_source(tflite_source(path), load_profile("ethos-u65-256"), "", lambda _: None)
    board = lab.boards.get("fault-test") or lab.add("fault-test", "native", disk_mb=128)
    lab.write(**settings())
    image = np.random.default_rng(5).integers(-128, 128, (1, SIDE, SIDE, 64), dtype=np.int8)
    scene = Scene(lab, board, artefact, [], image, work)
    scene.expected = list(scene.run(1).outputs[0])
    return scene
