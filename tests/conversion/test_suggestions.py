"""Every CPU operator gets a way out, and what can be asked of Vela was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from conversion.profile_files import load_profile
from conversion.rewrites import PAD_THEN_VALID, WITHOUT_ISLAND, ModelCopy, Rewrite
from conversion.suggestions import Suggestion, kinds_of, suggest
from conversion.vela import compile_model
from conversion.vela_options import VelaOptions
from tests.conversion.conftest import Compile, FakeVela
from tests.conversion.test_vela import REAL
from tests.conversion.tflite_builder import TinyModel

ModelPath = Callable[[str], Path]


def suggestions(data: bytes, folder: Path, profile: str = "ethos-u55-256", vela: str = "") -> tuple[Suggestion, ...]:
    path = folder / "model.tflite"
    path.write_bytes(data)
    return suggest(path, compile_model(path, load_profile(profile), folder / "out", vela), VelaOptions(vela=vela))


def strided(size: int, stride: int = 5, kernel: int = 5) -> bytes:
    """CONV_2D with SAME padding at a stride that U55 takes only with VALID padding."""
    model = TinyModel()
    image = model.tensor((1, size, size, 8), "image")
    return model.finish([image], [model.conv(image, 16, kernel, stride=stride)])


def squared() -> bytes:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image")
    return model.finish([image], [model.conv(model.unary("SQUARE", model.conv(image, 8, 3), options=None), 8)])


def test_nothing_is_suggested_for_a_file_that_lies_on_the_npu(compiled: Compile, model_file: ModelPath) -> None:
    assert suggest(model_file("all_on_the_npu"), compiled("all_on_the_npu", "ethos-u55-256")) == ()


def test_a_float_island_is_collapsed_and_the_gain_checked(compiled: Compile, model_file: ModelPath) -> None:
    found = suggest(model_file("island_between_convolutions"), compiled("island_between_convolutions", "ethos-u55-256"))
    by_kind = {kinds_of(suggestion.operators): suggestion for suggestion in found}
    assert set(by_kind) == {"1 DEQUANTIZE, 1 QUANTIZE", "1 LEAKY_RELU"}
    check = by_kind["1 LEAKY_RELU"].check
    assert check is not None
    assert check.helps
    assert (check.cpu_before, check.cpu_after) == (3, 0)
    assert (check.crossings_before, check.crossings_after) == (2, 0)
    assert not by_kind["1 LEAKY_RELU"].exact


def test_an_operator_that_no_npu_has_is_tried_as_one_that_it_has(compiled: Compile, model_file: ModelPath) -> None:
    (found,) = suggest(model_file("cpu_in_the_middle"), compiled("cpu_in_the_middle", "ethos-u55-256"))
    assert found.check is not None
    assert (found.check.cpu_after, found.check.crossings_after) == (0, 0)
    assert "for its cost only" in found.text


def test_changing_the_padding_moves_a_large_stride_to_the_npu(tmp_path: Path) -> None:
    (found,) = suggestions(strided(16), tmp_path)
    assert found.exact
    assert found.check is not None
    assert (found.check.cpu_before, found.check.cpu_after) == (1, 0)
    assert found.check.latency_us_after > 0


def test_where_vela_cannot_compile_the_change_the_suggestion_says_so(tmp_path: Path, fake_vela: FakeVela) -> None:
    fake = fake_vela(f'case "$1" in *changed*) echo "could not run on NPU"; exit 1;; esac; exec {REAL} "$@"')
    (found,) = [one for one in suggestions(strided(16), tmp_path, vela=fake) if one.check]
    assert found.check is not None
    assert not found.check.helps
    assert "could not run on NPU" in found.check.problem


def test_a_square_becomes_a_product(tmp_path: Path) -> None:
    (found,) = suggestions(squared(), tmp_path)
    assert not found.exact
    assert found.check is not None
    assert (found.check.cpu_before, found.check.cpu_after, found.check.crossings_after) == (1, 0, 0)


def test_what_needs_the_models_source_is_suggested_unchecked(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8))
    first = model.conv(image, 8)
    (found,) = suggestions(model.finish([image], [model.binary("DIV", first, model.conv(image, 8))]), tmp_path)
    assert found.check is None
    assert "reciprocal" in found.text


def test_a_newer_vela_is_the_first_suggestion_where_it_does_better(tmp_path: Path, fake_vela: FakeVela) -> None:
    model = TinyModel()
    left, right = model.tensor((1, 2, 8, 8)), model.tensor((1, 2, 8, 8))
    data = model.finish(
        [left, right], [model.operator("BATCH_MATMUL", [left, right], [left_like(model)], schema.BatchMatMulOptionsT())]
    )
    older = fake_vela(f'exec {REAL} "$@" --debug-force-legacy-core')
    first, *_ = suggestions(data, tmp_path, vela=older)
    assert first.text.startswith("compile with Vela 5.2.0 instead of 4.2.0")
    assert first.check is not None
    assert (first.check.cpu_before, first.check.cpu_after) == (1, 0)


def left_like(model: TinyModel) -> int:
    return model.tensor((1, 2, 8, 8), "product")


def run(data: bytes, image: NDArray[np.int8]) -> NDArray[Any]:
    """The file's output on TFLite's own reference kernels."""
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def rewritten(data: bytes, rewrite: Rewrite, index: int) -> bytes:
    copy = ModelCopy(data)
    assert rewrite.apply(copy, index)
    return copy.to_bytes()


@pytest.mark.parametrize(
    ("data", "rewrite", "index"),
    [
        (strided(16), PAD_THEN_VALID, 0),
        (strided(15), PAD_THEN_VALID, 0),
        (strided(17, 4, 3), PAD_THEN_VALID, 0),
        (strided(13, 2, 3), PAD_THEN_VALID, 0),
        (strided(16, 2, 3), PAD_THEN_VALID, 0),
    ],
)
def test_a_rewrite_that_calls_itself_exact_gives_the_same_numbers(data: bytes, rewrite: Rewrite, index: int) -> None:
    assert rewrite.exact
    shape = ModelCopy(data).tensors[0].shape
    image = np.random.default_rng(3).integers(-128, 128, shape, np.int8)
    np.testing.assert_array_equal(run(rewritten(data, rewrite, index), image), run(data, image))


def test_a_rewrite_leaves_alone_what_it_cannot_change(model_file: ModelPath) -> None:
    data = model_file("cpu_in_the_middle").read_bytes()
    copy = ModelCopy(data)
    assert not WITHOUT_ISLAND.apply(copy, 1)
    assert not PAD_THEN_VALID.apply(copy, 1)
    assert ModelCopy(copy.to_bytes()).to_bytes() == ModelCopy(data).to_bytes()


def test_a_suggestion_speaks_only_of_what_its_copy_changed(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image")
    floor = model.unary("FLOOR", model.conv(image, 8, name="first"), "floor")
    options = schema.SpaceToDepthOptionsT()
    options.blockSize = 2
    deep = model.operator("SPACE_TO_DEPTH", [floor], [model.tensor((1, 4, 4, 32), "deep")], options)
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish([image], [model.conv(deep, 8, name="last")]))
    compilation = compile_model(path, load_profile("ethos-u55-128"), tmp_path / "out")
    found = suggest(path, compilation)
    assert {(tuple(o.name for o in each.operators), each.check is not None) for each in found} == {
        (("floor",), True),
        (("deep",), False),
    }
