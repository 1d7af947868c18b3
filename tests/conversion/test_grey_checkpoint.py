"""A checkpoint for grey images: its files take one channel, and the NPU computes what the reference does."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ethosu_simulator
from conversion.pipeline import Settings, compile_source, int8_source
from conversion.profile_files import load_profile
from conversion.steps import Calibration, Origin, facts_of
from conversion.vela_options import VelaOptions
from core.records.image_form import ImageForm, square
from targets.tflite_micro import run_micro
from tests.conftest import CONVERTED_SIZE, require_convert

pytestmark = [pytest.mark.convert, pytest.mark.slow]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The seeded weights of a variant, whose first convolution takes the mean of its three colours."""
    torch = pytest.importorskip("torch")
    require_convert()
    from conversion.checkpoint import build_seeded
    from conversion.variants import BY_NAME

    module = copy.deepcopy(build_seeded(BY_NAME["level2_relu"]).module)
    first: Any = next(layer for layer in module.modules() if type(layer).__name__ == "Conv2d")
    first.weight = torch.nn.Parameter(first.weight.mean(1, keepdim=True))
    first.in_channels = 1
    torch.save({"model": module, "train_args": {"imgsz": CONVERTED_SIZE}}, tmp_path / "grey.pt")
    return tmp_path / "grey.pt"


def test_a_checkpoint_for_grey_images_converts_and_is_exact_on_the_npu(checkpoint: Path, conversion_cache: Path) -> None:
    pytest.importorskip("litert_torch")

    def noise(form: ImageForm) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return np.random.default_rng(3).integers(0, 256, (4, *form.sides, form.channels), dtype=np.uint8)

    origin = Origin("grey", checkpoint=checkpoint)
    facts = facts_of(origin, lambda _: None)
    assert facts.channels == 1
    calibration = Calibration("four grey images of noise", 4, noise)
    source = int8_source(origin, facts, Settings("fast"), calibration, lambda _: None)
    assert source.graph.full_integer_problem() is None
    assert [tensor.shape for tensor in source.graph.inputs] == [(1, CONVERTED_SIZE, CONVERTED_SIZE, 1)]
    assert source.image is not None
    assert str(source.image) == str(square(CONVERTED_SIZE, 1))
    compilation = compile_source(source, load_profile("ethos-u55-128"), VelaOptions(), lambda _: None).compilation
    assert compilation.placement.cpu == ()
    image = np.random.default_rng(4).integers(-128, 128, source.graph.inputs[0].shape, dtype=np.int8)
    found = ethosu_simulator.load(compilation.compiled.path).run([image])
    (expected,) = run_micro(source.int8.path.read_bytes(), [[image]], len(found), 1 << 24, "grey")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
