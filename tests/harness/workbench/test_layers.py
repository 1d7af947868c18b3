"""Layer by layer: whole tensors out of stripes and slices, errors between two values, and where the NPU departs first.

Covers conversion.vela_layers, harness.workbench.layers.values, targets.layer_values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from conversion.pipeline import Source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import INSTALLED
from core.errors import ModelError, UsageError
from core.records.layer_part import LayerPart
from harness.workbench.layers.compare import layers_of
from harness.workbench.layers.errors import departure
from targets.layer_assembly import Assembly
from tests.benchmarks import kinds, tiny
from tests.conversion.tflite_builder import TinyModel

WHOLE = (6, 4, 5)
VALUES = np.random.default_rng(1).integers(-128, 128, WHOLE, dtype=np.int8)


def part(
    offset: tuple[int, int, int], size: tuple[int, int, int], count: int, first: int = 0, *, plain: bool = True
) -> LayerPart:
    return LayerPart("t", WHOLE, offset, size, tuple((1, first + number) for number in range(count)), plain)


def test_stripes_of_depth_slices_make_a_whole_tensor() -> None:
    assembly = Assembly([part((0, 0, 0), WHOLE, 4)])
    pieces = [VALUES[:4, :, :3], VALUES[:4, :, 3:], VALUES[4:, :, :3], VALUES[4:, :, 3:]]
    for number, piece in enumerate(pieces):
        assert assembly.tensor("t", WHOLE, "int8") is None
        assembly.take((1, number), piece)
    np.testing.assert_array_equal(assembly.tensor("t", (1, *WHOLE), "int8"), VALUES[None])


def test_operations_that_write_parts_of_one_tensor_make_it_whole_together() -> None:
    assembly = Assembly([part((0, 0, 0), (6, 4, 2), 1), part((0, 0, 2), (6, 4, 3), 2, first=10)])
    assembly.take((1, 10), VALUES[:5, :, 2:])
    assembly.take((1, 11), VALUES[5:, :, 2:])
    assert assembly.tensor("t", WHOLE, "int8") is None, "half of it is not there yet"
    assembly.take((1, 0), VALUES[:, :, :2].reshape(1, 24, 2))
    np.testing.assert_array_equal(assembly.tensor("t", WHOLE, "int8"), VALUES)


@pytest.mark.parametrize("piece", [VALUES[:, :3], np.zeros((7, 4, 5), np.int8), np.zeros((1, 4, 6), np.int8)])
def test_what_does_not_fit_is_no_tensor(piece: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> None:
    assembly = Assembly([part((0, 0, 0), WHOLE, 2)])
    assembly.take((1, 0), piece)
    assembly.take((1, 1), VALUES)
    assert assembly.tensor("t", WHOLE, "int8") is None


def test_turned_outputs_and_unknown_commands_are_passed_over() -> None:
    assembly = Assembly([part((0, 0, 0), WHOLE, 1, plain=False)])
    assembly.take((1, 0), VALUES)
    assembly.take((7, 7), VALUES)
    assert assembly.tensor("t", WHOLE, "int8") is None


def test_a_tensor_of_another_type_or_size_is_another_tensor() -> None:
    assembly = Assembly([part((0, 0, 0), WHOLE, 1)])
    assembly.take((1, 0), VALUES)
    assert assembly.tensor("t", WHOLE, "int16") is None
    assert assembly.tensor("t", (6, 4, 4), "int8") is None
    assert assembly.tensor("other", WHOLE, "int8") is None


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20))
def test_a_value_does_not_depart_from_itself_and_departs_by_two_from_its_opposite(values: list[float]) -> None:
    array = np.array(values, np.float32)
    same, opposite = departure(array, array), departure(array, -array)
    assert (same.maximum, same.mean, same.cosine) == (0, 0, 0)
    assert opposite.maximum == pytest.approx(2 * np.abs(array).max())
    assert opposite.cosine == pytest.approx(2 if array.any() else 0) or np.abs(array).max() < 1e-15


def test_departure_is_largest_mean_and_cosine() -> None:
    found = departure(np.array([3.0, 0.0]), np.array([3.0, 4.0]))
    assert (found.maximum, found.mean) == (4, 2)
    assert found.cosine == pytest.approx(1 - 3 / 5)


# --- a compiled model ---


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "noise.png"
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path)
    return path


def leaky_and_concat() -> bytes:
    """A fused activation, two convolutions that write parts of a concatenation, an operator on the CPU, a head."""
    from ai_edge_litert import schema_py_generated as schema

    model = TinyModel()
    entry = model.tensor((1, 32, 32, 3), "images")
    stem = model.leaky(model.conv(entry, 16, 3, stride=2, name="stem"), name="stem_act")
    left, right = model.conv(stem, 8, 3, name="left"), model.conv(stem, 8, 1, name="right")
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    both = model.operator("CONCATENATION", [left, right], [model.tensor((1, 16, 16, 16), "both")], options)
    summed = model.tensor((1, 16, 16, 16), "summed")
    axis = model.constant(np.array(1, np.int32))
    model.operator("CUMSUM", [both, axis], [summed], schema.CumsumOptionsT())
    return model.finish([entry], [model.conv(summed, 4, 1, name="head")])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("layers") / "layers.tflite"
    path.write_bytes(leaky_and_concat())
    return tflite_source(path)


@pytest.mark.slow
@pytest.mark.parametrize("npu", ["ethos-u65-256", "ethos-u85-256"])
def test_every_layer_that_survives_has_the_reference_s_bytes_and_the_others_say_where_they_went(
    source: Source, image: Path, npu: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    found = layers_of(source, image, None, 1, lambda _: None).on(load_profile(npu), INSTALLED, lambda _: None)
    rows = {row.name: row for row in found.rows}
    assert {name for name, row in rows.items() if row.npu_differing == 0} >= {"stem_act", "both", "summed", "head"}
    assert found.first_npu_departure() is None
    assert found.outputs_differing == 0
    assert (rows["stem"].unseen, rows["left"].unseen) == ("in #1", "part of #4")
    assert "CPU (TFLite Micro" in found.ran


@pytest.mark.slow
def test_the_first_layer_that_departs_is_named(
    source: Source, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    layers = layers_of(source, image, None, 1, lambda _: None)
    index = next(tensor.index for tensor in source.graph.tensors if tensor.name == "both")
    wrong = layers.int8[index].copy()
    wrong[0, 3, 4, 7] ^= 3
    found = replace(layers, int8={**layers.int8, index: wrong}).on(load_profile("ethos-u65-256"), INSTALLED, lambda _: None)
    departed = found.first_npu_departure()
    assert departed is not None
    assert (departed.name, departed.npu_differing) == ("both", 1)


@pytest.mark.parametrize("kind", ["grey", "nchw", "not_square"])
def test_an_image_goes_in_as_the_model_takes_it(
    image: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "m.tflite").write_bytes(kinds.DETECTORS[kind]())
    source = tflite_source(tmp_path / "m.tflite")
    layers = layers_of(source, image, None, 1, lambda _: None)
    assert layers.image.shape == source.graph.inputs[0].shape
    found = layers.on(load_profile("ethos-u55-128"), INSTALLED, lambda _: None)
    assert found.outputs_differing == 0
    assert found.first_npu_departure() is None


@pytest.mark.parametrize(("build", "dtype"), [(kinds.uint8_input, np.uint8), (kinds.float_input_and_output, np.float32)])
def test_an_image_of_another_type_than_int8_goes_in_as_that(
    image: Path, tmp_path: Path, build: Callable[[], bytes], dtype: type
) -> None:
    (tmp_path / "m.tflite").write_bytes(build())
    layers = layers_of(tflite_source(tmp_path / "m.tflite"), image, None, 1, lambda _: None)
    assert layers.image.dtype == dtype
    assert len(set(layers.image.ravel().tolist())) > 20


@pytest.mark.parametrize(
    ("build", "takes"),
    [
        (kinds.several_inputs, "takes int8 [1, 16, 16, 3], uint8 [1, 8, 8, 4], int16 [1, 4, 4, 8]"),
        (kinds.int16_activations, "takes int16 [1, 16, 16, 8]"),
        (kinds.DETECTORS["several_images"], "takes int8 [3, 16, 16, 3]"),
    ],
)
def test_what_no_single_image_can_be_fed_to_is_refused_with_what_it_takes(
    image: Path, tmp_path: Path, build: Callable[[], bytes], takes: str
) -> None:
    (tmp_path / "m.tflite").write_bytes(build())
    with pytest.raises(ModelError, match=re.escape(takes)):
        layers_of(tflite_source(tmp_path / "m.tflite"), image, None, 1, lambda _: None)


def test_without_a_float_file_that_is_one_there_is_a_clear_error(source: Source, image: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--float `.*float\.onnx` is no TFLite file"):
        layers_of(source, image, tmp_path / "float.onnx", 1, lambda _: None)
    path = tmp_path / "other.tflite"
    path.write_bytes(tiny.detector())
    with pytest.raises(ModelError, match=r"takes int8 \[1, 32, 32, 3\]"):
        layers_of(source, image, path, 1, lambda _: None)
