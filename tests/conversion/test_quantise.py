"""The recipe `per-tensor`: one scale for the weights of a layer, and on the NPU the bytes of the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import ethosu_simulator
from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.quantise import RECIPES, Images
from conversion.vela_options import VelaOptions
from core.tflite.graph import TfliteGraph, parse
from targets.tflite_micro import run_micro
from tests.conversion.tflite_builder import TinyModel

pytestmark = pytest.mark.convert
pytest.importorskip("ai_edge_quantizer", reason="needs the extra `convert`")

SIDE, CHANNELS = 8, 4
NPUS = ("ethos-u55-256", "ethos-u65-256", "ethos-u85-256")


def float_layer(model: TinyModel, kind: str, source: int, depth: int) -> int:
    """A 3 x 3 CONV_2D or DEPTHWISE_CONV_2D whose channels have weights of very different sizes."""
    strengths = np.array([8.0, 1.0, 0.2, 0.05], np.float32)
    across = kind == "CONV_2D"
    weights = model.random.normal(size=(CHANNELS, 3, 3, depth) if across else (1, 3, 3, CHANNELS)).astype(np.float32)
    weights *= strengths.reshape((-1, 1, 1, 1) if across else (1, 1, 1, -1))
    options = schema.Conv2DOptionsT() if across else schema.DepthwiseConv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.SAME, 1, 1
    if not across:
        options.depthMultiplier = 1
    bias = model.constant(np.full(CHANNELS, 0.1, np.float32), f"{kind} bias")
    result = model.tensor((1, SIDE, SIDE, CHANNELS), f"{kind} output", "FLOAT32", None)
    return model.operator(kind, [source, model.constant(weights, f"{kind} weights"), bias], [result], options)


@pytest.fixture(scope="module")
def floating() -> bytes:
    """Image -> CONV_2D -> DEPTHWISE_CONV_2D, in float."""
    model = TinyModel()
    image = model.tensor((1, SIDE, SIDE, 3), "image", "FLOAT32", None)
    return model.finish([image], [float_layer(model, "DEPTHWISE_CONV_2D", float_layer(model, "CONV_2D", image, 3), CHANNELS)])


@pytest.fixture(scope="module")
def images() -> Images:
    return np.random.default_rng(3).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)


def scales(graph: TfliteGraph) -> list[int]:
    """How many scales the weights and the bias of each layer have."""
    return [len(graph.tensors[tensor].scales) for layer in graph.operators for tensor in layer.inputs[1:]]


def test_weights_of_a_layer_have_one_scale_by_per_tensor_and_one_for_each_channel_else(floating: bytes, images: Images) -> None:
    found = {name: scales(parse(RECIPES[name].route(floating, images), name)) for name in RECIPES}
    assert found == {
        "full-range": [CHANNELS] * 4,
        "fast": [CHANNELS] * 4,
        "per-tensor": [1] * 4,
    }


def test_activations_have_the_same_ranges_by_per_tensor_as_by_full_range(floating: bytes, images: Images) -> None:
    own, other = (parse(RECIPES[name].route(floating, images), name) for name in ("per-tensor", "full-range"))
    ranges = [
        [(tensor.scales, tensor.zero_points) for tensor in graph.tensors if not tensor.constant] for graph in (own, other)
    ]
    assert ranges[0] == ranges[1]


@pytest.mark.parametrize("npu", NPUS)
def test_what_per_tensor_makes_runs_on_the_npu_with_the_references_bytes(
    floating: bytes, images: Images, npu: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "shared.tflite"
    file.write_bytes(RECIPES["per-tensor"].route(floating, images))
    compilation = compile_source(tflite_source(file), load_profile(npu), VelaOptions(), lambda _: None).compilation
    assert compilation.placement.cpu == ()
    image = np.random.default_rng(4).integers(-128, 128, (1, SIDE, SIDE, 3), dtype=np.int8)
    (found,) = ethosu_simulator.load(compilation.compiled.path).run([image])
    ((expected,),) = run_micro(file.read_bytes(), [(image,)], 1, 1 << 20, "shared")
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found)) > 1
