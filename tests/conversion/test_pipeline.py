"""From a file to an artefact: what is refused before anything is computed, and one real conversion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from conversion import quantise
from conversion.pipeline import Settings, Source, compile_source, int8_source, tflite_source
from conversion.profile_files import load_profile
from conversion.rewrites import self_contained
from conversion.steps import Calibration, Origin, facts_of
from conversion.vela_options import VelaOptions
from core.errors import ModelError, UsageError
from core.files import file_sha256
from core.records.checkpoint_facts import CheckpointFacts
from core.records.image_form import ImageForm, square
from tests.benchmarks import tiny
from tests.conftest import CONVERTED_SIZE, CONVERTED_VARIANT

ORIGIN = Origin(CONVERTED_VARIANT, seeded=CONVERTED_VARIANT)
FAST = Settings(recipe="fast", image_size=CONVERTED_SIZE)
FACTS = CheckpointFacts("w", "", "relu", ("a",), 1, 640, (8, 16, 32), 16, False)


def noise(form: ImageForm) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (4, *form.sides, form.channels), dtype=np.uint8)


CALIBRATION = Calibration("four images of noise", 4, noise)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(tiny.detector())
    return path


def test_a_tflite_file_is_a_source_of_its_own(small: Path) -> None:
    source = tflite_source(small)
    assert (source.variant, source.image_size, source.facts, source.floating) == ("small", tiny.SIZE, None, None)
    assert source.int8.sha256 == file_sha256(small)


def test_an_artefact_of_a_tflite_file_has_its_graphs_weights(small: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    source = tflite_source(small)
    artefact = compile_source(source, load_profile("ethos-u55-128"), VelaOptions(), lambda _: None)
    assert artefact.weights == source.graph.weights
    assert artefact.compilation.compiled.path.is_file()
    assert artefact.compilation.compiled.sha256 == file_sha256(artefact.compilation.compiled.path)
    again = compile_source(source, load_profile("ethos-u55-128"), VelaOptions(), lambda _: None)
    assert again == artefact
    assert len(list((tmp_path / "cache" / "compile").iterdir())) == 1
    compile_source(source, load_profile("ethos-u55-256"), VelaOptions(), lambda _: None)
    assert len(list((tmp_path / "cache" / "compile").iterdir())) == 2


def test_a_file_that_is_missing_broken_or_float_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.tflite` does not exist"):
        tflite_source(tmp_path / "nowhere.tflite")
    (tmp_path / "broken.tflite").write_bytes(b"broken")
    with pytest.raises(ModelError, match=r"broken\.tflite` is no TFLite file"):
        tflite_source(tmp_path / "broken.tflite")
    (tmp_path / "float.tflite").write_bytes(tiny.floats())
    with pytest.raises(ModelError, match=r"float\.tflite` has float32 input `picture`: the NPU would run none of it"):
        tflite_source(tmp_path / "float.tflite")


@pytest.mark.parametrize("size", [16, 100, 31, 33])
def test_an_image_size_that_the_strides_do_not_divide_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match=f"image size {size} does not suit") as caught:
        int8_source(ORIGIN, FACTS, Settings("fast", image_size=size), CALIBRATION, lambda _: None)
    assert "32" in caught.value.expected


# --- one real conversion ---


@pytest.fixture(scope="module")
def source(conversion_cache: Path) -> Source:
    pytest.importorskip("litert_torch")
    return int8_source(ORIGIN, facts_of(ORIGIN, lambda _: None), FAST, CALIBRATION, lambda _: None)


@pytest.fixture(scope="module")
def torch_maps(source: Source) -> Iterator[list[NDArray[np.float32]]]:
    """The raw head maps that torch computes for the first image, NCHW."""
    import torch

    from conversion.checkpoint import build_seeded, fused
    from conversion.export import RawHead
    from conversion.variants import BY_NAME

    module = RawHead(fused(build_seeded(BY_NAME[CONVERTED_VARIANT]))).eval()
    with torch.no_grad():
        yield [found.numpy() for found in module(torch.from_numpy(_input()))]


def _input() -> NDArray[np.float32]:
    image: NDArray[np.float32] = noise(square(CONVERTED_SIZE))[:1].transpose(0, 3, 1, 2).astype(np.float32) / 255
    return image


@pytest.mark.convert
@pytest.mark.slow
def test_the_plain_route_is_what_ai_edge_quantizer_makes_by_itself(source: Source) -> None:
    assert source.floating
    content = (source.floating.path.parent / "float.tflite").read_bytes()
    images = noise(square(CONVERTED_SIZE))
    engine = quantise._static_int8(content, "per channel")
    name, signature = next(iter(Interpreter(model_content=content).get_signature_list().items()))
    samples = [{signature["inputs"][0]: image} for image in quantise._floats(images)]
    theirs = engine.quantize(engine.calibrate({name: samples}, num_threads=2), **quantise.SILENT).quantized_model
    assert quantise.fast(content, images) == self_contained(bytes(theirs))


@pytest.mark.convert
@pytest.mark.slow
def test_the_converted_file_is_full_integer_with_six_raw_maps(source: Source) -> None:
    assert source.graph.full_integer_problem() is None
    assert source.graph.inputs[0].shape == (1, CONVERTED_SIZE, CONVERTED_SIZE, 3)
    assert {tensor.dtype for tensor in (*source.graph.inputs, *source.graph.outputs)} == {"int8"}
    grids = [CONVERTED_SIZE // stride for stride in (8, 16, 32)]
    assert [tensor.shape for tensor in source.graph.outputs] == [
        (1, grid, grid, channels) for grid in grids for channels in (64, 15)
    ]
    assert set(source.graph.activations) == {"LEAKY_RELU"}


@pytest.mark.convert
@pytest.mark.slow
def test_the_onnx_file_computes_what_torch_computes(source: Source, torch_maps: list[NDArray[np.float32]]) -> None:
    import onnxruntime

    assert source.floating
    session = onnxruntime.InferenceSession(str(source.floating.path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": _input()})
    assert [output.name for output in session.get_outputs()] == ["box0", "class0", "box1", "class1", "box2", "class2"]
    for one, expected in zip(found, torch_maps, strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-4)


@pytest.mark.convert
@pytest.mark.slow
def test_the_int8_file_computes_nearly_that_too(source: Source, torch_maps: list[NDArray[np.float32]]) -> None:
    from harness.tasks.detect.graphs import open_graph

    found = open_graph(source.int8.path, 1).run(noise(square(CONVERTED_SIZE))[:1])
    for one, expected in zip(found, torch_maps, strict=True):
        reference = expected.transpose(0, 2, 3, 1)
        spread = float(np.ptp(reference)) or 1.0
        assert np.abs(one - reference).mean() < 0.05 * spread


@pytest.mark.convert
@pytest.mark.slow
def test_the_float_graph_for_published_figures_is_a_stride_larger(source: Source) -> None:
    import onnxruntime

    assert source.floating_rect
    session = onnxruntime.InferenceSession(str(source.floating_rect.path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [1, 3, CONVERTED_SIZE + 32, CONVERTED_SIZE + 32]


@pytest.mark.convert
@pytest.mark.slow
def test_vela_puts_every_operator_of_a_converted_model_on_the_npu(source: Source) -> None:
    for profile in ("ethos-u65-256", "ethos-u55-256", "ethos-u85-256"):
        artefact = compile_source(source, load_profile(profile), VelaOptions(), lambda _: None)
        assert artefact.compilation.placement.cpu == ()
        assert artefact.weights == source.facts.weights if source.facts else False


@pytest.mark.convert
@pytest.mark.slow
def test_a_second_conversion_converts_nothing_and_gives_the_same_file(source: Source) -> None:
    said: list[str] = []
    again = int8_source(ORIGIN, facts_of(ORIGIN, said.append), FAST, CALIBRATION, said.append)
    assert said == []
    assert again.int8 == source.int8


@pytest.mark.convert
@pytest.mark.slow
def test_a_checkpoint_with_the_same_weights_shares_the_export(source: Source, seeded_checkpoint: Path) -> None:
    said: list[str] = []
    origin = Origin("mine", checkpoint=seeded_checkpoint)
    again = int8_source(origin, facts_of(origin, said.append), FAST, CALIBRATION, said.append)
    assert "exporting TFLite" not in said
    assert again.int8 == source.int8
