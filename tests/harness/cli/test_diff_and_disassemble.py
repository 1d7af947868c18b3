"""`ethos-bench diff` and `disassemble`: what they say, and what they refuse.

Covers harness.cli.diff, harness.cli.diff_view, harness.cli.disassemble.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import ethosu_simulator
from conversion.profile_files import load_profile
from conversion.vela import compile_model
from ethosu_simulator.disassemble import text
from harness.cli import main
from tests.benchmarks import tiny
from tests.conversion.tflite_builder import TinyModel


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def float_detector() -> bytes:
    """tiny.detector's first layer in float, of the same names: the image, and zeros where int8 has convolved values."""
    model = TinyModel()
    entry = model.tensor((1, tiny.SIZE, tiny.SIZE, 3), "images", "FLOAT32", None)
    weights = model.constant(np.zeros((8, 3, 3, 3), np.float32), "w")
    bias = model.constant(np.zeros(8, np.float32), "b")
    named = TinyModel()
    source = named.tensor((1, tiny.SIZE, tiny.SIZE, 3), "images")
    name = named.tensors[named.conv(source, 8, 3, activation="RELU")].name.decode()
    options = named.operators[-1].builtinOptions
    output = model.tensor((1, tiny.SIZE, tiny.SIZE, 8), name, "FLOAT32", None)
    return model.finish([entry], [model.operator("CONV_2D", [entry, weights, bias], [output], options)])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """detector.tflite, float.tflite and noise.png."""
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    (tmp_path / "float.tflite").write_bytes(float_detector())
    pixels = np.random.default_rng(3).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    return tmp_path


def test_diff_says_that_every_byte_is_equal_and_where_int8_leaves_float(files: Path) -> None:
    result = command("diff", files / "detector.tflite", "--image", files / "noise.png", "--float", files / "float.tflite")
    assert result.exit_code == 0, result.output
    assert "NPU against int8: every byte equal, in 7 layers that can be seen" in result.output
    assert "int8 against float: departs first at #0 CONV_2D, cosine error above 0.01" in result.output
    assert "1 - cos" in result.output


@pytest.mark.slow
def test_diff_as_json_holds_every_layer_and_null_where_there_is_nothing_to_compare(files: Path) -> None:
    arguments = ("--image", files / "noise.png", "--npu", "ethos-u55-256", "--npu", "ethos-u65-256", "--format", "json")
    result = CliRunner().invoke(main, ["diff", str(files / "detector.tflite"), *map(str, arguments)])
    found = json.loads(result.stdout)
    assert [npu["profile"] for npu in found["npus"]] == ["ethos-u55-256", "ethos-u65-256"]
    first = found["npus"][0]["layers"][0]
    assert (first["operator"], first["npu_differing"], first["quantisation"]) == ("CONV_2D", 0, None)
    assert found["float"] is None
    assert found["npus"][0]["first_npu_departure"] is None


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["nowhere.tflite"], "`nowhere.tflite` does not exist", 2),
        (["--image", "nowhere.png"], "`nowhere.png` is no readable image", 1),
        (["--float", "nowhere.tflite"], "--float `nowhere.tflite` is no TFLite file", 2),
        (["--npu", "ethos-u99"], "unknown profile `ethos-u99`", 2),
    ],
)
def test_diff_refuses_bad_input_in_words(files: Path, options: list[str], words: str, code: int) -> None:
    file = [] if options[0].endswith(".tflite") else [str(files / "detector.tflite")]
    result = command("diff", *file, "--image", files / "noise.png", *options)
    assert words in result.output
    assert result.exit_code == code
    assert "Traceback" not in result.output


def test_disassemble_prints_what_vela_prints(files: Path) -> None:
    compilation = compile_model(files / "detector.tflite", load_profile("ethos-u65-256"), files / "out")
    path = compilation.compiled.path
    operator = ethosu_simulator.load(path).operators[0]
    assert isinstance(operator, ethosu_simulator.NpuOperator)
    result = command("disassemble", path)
    head, _, rest = result.output.partition("\n")
    assert head == f"# stream 1 of 1: ethos-u65-256, {len(operator.commands)} commands"
    assert rest == text(operator.commands)
    document = json.loads(command("disassemble", path, "--format", "json").output)
    assert document[0]["npu"] == "ethos-u65-256"
    assert document[0]["commands"][-1]["name"] == "NPU_OP_STOP"


def test_disassemble_refuses_what_vela_did_not_compile(files: Path) -> None:
    result = command("disassemble", files / "detector.tflite")
    assert (result.exit_code, "no ethos-u operator" in result.output) == (1, True)
    assert "expected: a file that Vela compiled" in result.output
    assert command("disassemble", files / "nowhere.tflite").exit_code == 2
    result = command("disassemble", files / "noise.png")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
