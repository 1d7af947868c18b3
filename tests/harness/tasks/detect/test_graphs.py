from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.records.image_form import ImageForm, square
from harness.tasks.classify.preprocess import Preprocess
from harness.tasks.detect.graphs import open_graph
from harness.tasks.runtimes import TensorFormat, dequantise
from tests.harness.tasks.detect.tiny_models import FLOAT32, INT8, write_tflite


@pytest.mark.parametrize("kind", [INT8, FLOAT32])
def test_a_tflite_model_takes_pixels_and_returns_floats(tmp_path: Path, random: np.random.Generator, kind: int) -> None:
    graph = open_graph(write_tflite(tmp_path / "relu.tflite", [1, 8, 8, 3], kind), threads=1)
    pixels = random.integers(0, 256, (1, 8, 8, 3), np.uint8)
    (output,) = graph.run(pixels)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, pixels / 255, atol=1e-6)


def test_a_model_for_other_pixels_than_0_to_1_gets_them_in_its_own_layout(tmp_path: Path, random: np.random.Generator) -> None:
    pixels = random.integers(0, 256, (1, 8, 8, 3), np.uint8)
    turned = Preprocess((0.0,), (51.0,), order="bgr")  # 0..5, which RELU leaves as it is
    for path in (
        write_tflite(tmp_path / "relu.tflite", [1, 8, 8, 3], FLOAT32),
        write_onnx(tmp_path / "relu.onnx", [1, 3, 8, 8]),
    ):
        (output,) = open_graph(path, 1, turned).run(pixels)
        found = output.transpose(0, 2, 3, 1) if path.suffix == ".onnx" else output
        np.testing.assert_allclose(found, pixels[..., ::-1] / 51, atol=1e-6)


def test_a_tflite_model_tells_size_type_and_quantisation(tmp_path: Path) -> None:
    graph = open_graph(write_tflite(tmp_path / "relu.tflite", [1, 8, 8, 3]), threads=1)
    assert graph.image == square(8)
    assert graph.input == TensorFormat("tensor_0", (1, 8, 8, 3), "int8", float(np.float32(1 / 255)), -128)
    assert [output.shape for output in graph.outputs] == [(1, 8, 8, 3)]


def test_outputs_of_one_run_outlive_the_next(tmp_path: Path) -> None:
    graph = open_graph(write_tflite(tmp_path / "relu.tflite", [1, 8, 8, 3], FLOAT32), threads=1)
    (first,) = graph.run(np.full((1, 8, 8, 3), 255, np.uint8))
    graph.run(np.zeros((1, 8, 8, 3), np.uint8))
    assert (first == 1).all()


def test_an_onnx_model_takes_the_same_pixels(tmp_path: Path, random: np.random.Generator) -> None:
    graph = open_graph(write_onnx(tmp_path / "relu.onnx", [1, 3, 8, 8]), threads=1)
    pixels = random.integers(0, 256, (1, 8, 8, 3), np.uint8)
    (output,) = graph.run(pixels)
    np.testing.assert_allclose(output.transpose(0, 2, 3, 1), pixels / 255, atol=1e-6)
    assert (graph.image.sides, graph.image.layout, graph.input.dtype) == ((8, 8), "NCHW", "float32")


@pytest.mark.parametrize(
    ("shape", "form"),
    [
        ([1, 8, 9, 3], ImageForm(height=8, width=9, channels=3)),
        ([1, 8, 8, 1], square(8, channels=1)),
        ([1, 3, 8, 10], ImageForm(height=8, width=10, channels=3, layout="NCHW")),
    ],
    ids=["not square", "grey", "NCHW"],
)
def test_an_input_that_is_not_square_rgb_is_read_as_what_it_is(
    tmp_path: Path, random: np.random.Generator, shape: list[int], form: ImageForm
) -> None:
    graph = open_graph(write_tflite(tmp_path / "other.tflite", shape), threads=1)
    assert graph.image == form
    pixels = random.integers(0, 256, (1, *form.sides, form.channels), np.uint8)
    (output,) = graph.run(pixels)
    seen = output.transpose(0, 2, 3, 1) if form.layout == "NCHW" else output
    np.testing.assert_allclose(seen, pixels / 255, atol=1e-6)


@pytest.mark.parametrize("shape", [[1, 8, 8, 4], [2, 8, 8, 3], [1, 192]])
def test_a_tflite_model_without_an_image_is_refused(tmp_path: Path, shape: list[int]) -> None:
    with pytest.raises(ModelError, match=r"odd\.tflite` has input `tensor_0` " + "x".join(map(str, shape))) as error:
        open_graph(write_tflite(tmp_path / "odd.tflite", shape), threads=1)
    assert "1 or 3 channels" in error.value.expected


def test_a_model_with_two_inputs_is_refused_and_both_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tensor_0.*tensor_1"):
        open_graph(write_tflite(tmp_path / "two.tflite", [1, 8, 8, 3], inputs=2), threads=1)


def test_an_onnx_model_of_free_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="1x3x-1x-1"):
        open_graph(write_onnx(tmp_path / "free.onnx", [1, 3, None, None]), threads=1)


def test_a_file_compiled_for_the_npu_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vela\.tflite` is compiled for an Ethos-U") as error:
        open_graph(write_tflite(tmp_path / "vela.tflite", [1, 8, 8, 3], custom="ethos-u"), threads=1)
    assert "Vela was given" in error.value.expected


@pytest.mark.parametrize("name", ["broken.tflite", "broken.onnx"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 99, b"\x18\x00\x00\x00TFL3" + b"\xff" * 200])
def test_garbage_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}` cannot be loaded"):
        open_graph(tmp_path / name, threads=1)


@pytest.mark.parametrize("name", ["absent.tflite", "absent.onnx"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"{name}` does not exist"):
        open_graph(tmp_path / name, threads=1)


def test_dequantised_values_are_exact_for_every_integer() -> None:
    integers = np.arange(-128, 128, dtype=np.int8)
    (values,) = dequantise([integers], [TensorFormat("x", (256,), "int8", 0.25, -128)])
    np.testing.assert_array_equal(values, (integers.astype(float) + 128) / 4)


def write_onnx(path: Path, shape: list[int | None]) -> Path:
    onnx = pytest.importorskip("onnx", reason="the extra `convert` is not installed")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("images", "output")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["images"], ["output"])], "tiny", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path
