"""A QUANTIZE to uint8 that Vela 5.2 would clip is compiled round, in the open; another Vela is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

import ethosu_simulator
from conversion.profile_files import load_profile
from conversion.requantisation import AROUND, merged_to_uint8, requantisation_findings
from conversion.suggestions import suggest
from conversion.vela import VERSION, compile_model, read_graph
from core.records.artefact import Compilation
from targets.tflite_micro import cpu_operators
from tests.conversion.conftest import FakeVela
from tests.conversion.test_vela import REAL
from tests.conversion.tflite_builder import TinyModel

SHAPE = (1, 16, 16, 3)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What TensorFlow writes for uint8 inputs and outputs: QUANTIZE, convolutions, QUANTIZE."""
    model = TinyModel()
    image, out = model.tensor(SHAPE, "image", "UINT8"), model.tensor((1, 16, 16, 8), "out", "UINT8")
    for tensor in (image, out):
        model.tensors[tensor].quantization.zeroPoint = [128]
    before = model.conv(model.conv(model.unary("QUANTIZE", image, "turned"), 8, 3), 8, 3, name="before")
    path = tmp_path_factory.mktemp("uint8") / "bytes.tflite"
    path.write_bytes(model.finish([image], [model.operator("QUANTIZE", [before], [out])]))
    return path


def reference(file: Path, image: NDArray[Any]) -> NDArray[Any]:
    interpreter = runtime.Interpreter.from_file(str(file))
    interpreter.set_input(image, 0)
    interpreter.invoke()
    return np.asarray(interpreter.get_output(0))


def output(compilation: Compilation, image: NDArray[Any]) -> NDArray[Any]:
    path = compilation.compiled.path
    return np.asarray(ethosu_simulator.load(path).run([image], None, cpu_operators(path))[0])


@pytest.mark.parametrize("npu", ["ethos-u55-128", pytest.param("ethos-u65-256", marks=pytest.mark.slow), "ethos-u85-256"])
def test_bytes_above_127_come_out_as_tflite_micro_has_them(tmp_path: Path, file: Path, npu: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
    expected = reference(file, image)
    assert (expected > 127).any()
    compilation = compile_model(file, load_profile(npu), tmp_path)
    np.testing.assert_array_equal(output(compilation, image), expected)


def test_vela_by_itself_clips_them(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversion.vela.way_round", lambda *_: ())
    image = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
    compilation = compile_model(file, load_profile("ethos-u55-128"), tmp_path)
    assert merged_to_uint8(read_graph(file), compilation.placement) == ("out",)
    np.testing.assert_array_equal(output(compilation, image), np.minimum(reference(file, image), 127))
    assert requantisation_findings(compilation) == ()


def test_command_finding_reason_and_suggestion_say_that_it_was_compiled_round(tmp_path: Path, file: Path) -> None:
    compilation = compile_model(file, load_profile("ethos-u55-128"), tmp_path)
    assert compilation.command[-2:] == AROUND
    (finding,) = requantisation_findings(compilation)
    assert "Vela 5.2.0 merges a QUANTIZE to uint8 into the operator before it and clips it at 127" in finding
    assert "(`out`) run on the CPU" in finding
    assert {operator.reason for operator in compilation.placement.cpu} == {
        "Vela 5.2.0 clips a QUANTIZE to uint8 at 127 when it merges it: left to the CPU by --ignore-ops QUANTIZE"
    }
    (suggestion,) = suggest(file, compilation)
    assert "end the file in int8" in suggestion.text


def test_a_vela_that_is_not_known_to_clip_is_called_once_and_as_it_is(tmp_path: Path, file: Path, fake_vela: FakeVela) -> None:
    other = fake_vela(f'if [ "$1" = --version ]; then echo 5.1.0; exit; fi; echo once >> {tmp_path}/calls; exec {REAL} "$@"')
    compilation = compile_model(file, load_profile("ethos-u55-128"), tmp_path / "out", str(other))
    assert VERSION.match(compilation.vela_version)
    assert compilation.command[-2:] != AROUND
    assert (tmp_path / "calls").read_text() == "once\n"
