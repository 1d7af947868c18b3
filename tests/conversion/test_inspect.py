"""What `ethos-bench inspect` says, and how it refuses.

Covers harness.cli.inspect_view.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli.inspect import inspect_command
from tests.conversion.conftest import FakeVela
from tests.conversion.real_data import real_model
from tests.conversion.tflite_builder import TinyModel

ModelPath = Callable[[str], Path]


def inspect(*arguments: str | Path) -> Result:
    return CliRunner().invoke(inspect_command, [str(argument) for argument in arguments])


def test_a_file_on_the_npu_is_told_in_operators_shares_memory_and_an_estimate(model_file: ModelPath) -> None:
    result = inspect(model_file("all_on_the_npu"), "--npu", "ethos-u55-256")
    assert result.exit_code == 0
    assert "4 operators: 1 executed, 2 fused, 1 elided, 0 cpu" in result.output
    assert "100.0% of operators, 100.0% of MACs" in result.output
    assert "of sram, the platform has 2.00 MiB: fits" in result.output
    assert "estimated by Vela" in result.output
    assert "LEAKY_RELU after 1 convolutions" in result.output
    assert "suggestion" not in result.output


def test_every_cpu_operator_comes_with_velas_reason_and_a_checked_suggestion(model_file: ModelPath) -> None:
    result = inspect(model_file("cpu_in_the_middle"))
    assert result.exit_code == 0
    assert "cpu  #1 FLOOR `floor`: Unsupported opType" in result.output
    assert "1 -> 0 CPU operators, 2 -> 0 crossings" in result.output


def test_float_tensors_inside_are_a_finding_and_no_refusal(model_file: ModelPath) -> None:
    result = inspect(model_file("island_between_convolutions"))
    assert result.exit_code == 0
    assert "finding: not full-integer: has 2 float tensors left inside, in 1 DEQUANTIZE, 1 LEAKY_RELU" in result.output


def test_several_profiles_are_shown_one_after_the_other(model_file: ModelPath) -> None:
    output = inspect(model_file("all_on_the_npu"), "--npu", "ethos-u55-256", "--npu", "ethos-u85-256").output
    assert output.index("ethos-u55-256") < output.index("ethos-u85-256")


def test_all_lists_every_operator(model_file: ModelPath) -> None:
    lines = inspect(model_file("all_on_the_npu"), "--all").output.splitlines()
    assert [line.split()[1:3] for line in lines if line.strip()[:1].isdigit()] == [
        ["PAD", "fused"],
        ["CONV_2D", "executed"],
        ["LEAKY_RELU", "fused"],
        ["RESHAPE", "elided"],
    ]


def test_json_holds_everything_that_is_printed(model_file: ModelPath) -> None:
    result = inspect(model_file("cpu_in_the_middle"), "--json", "--npu", "ethos-u55-256")
    document = json.loads(result.stdout)
    assert document["schema"] == 1
    assert document["file"]["activations"] == {"RELU": 1, "LEAKY_RELU": 1}
    (profile,) = document["profiles"]
    assert profile["placement"]["crossings"] == 2
    assert [operator["where"] for operator in profile["placement"]["operators"]].count("cpu") == 1
    assert profile["memory"]["sram"]["fits"] is True
    assert profile["suggestions"][0]["operators"] == [1]
    assert profile["suggestions"][0]["check"]["cpu_after"] == 0


def test_an_activation_other_than_the_names_is_a_finding_with_exit_0(tmp_path: Path, model_file: ModelPath) -> None:
    path = tmp_path / "level3_relu.tflite"
    path.write_bytes(model_file("all_on_the_npu").read_bytes())
    result = inspect(path)
    assert result.exit_code == 0
    assert "finding: the activation is not relu: the graph's convolutions have 1 LEAKY_RELU" in result.output


def test_the_expected_activation_can_be_told(model_file: ModelPath) -> None:
    assert "finding" not in inspect(model_file("all_on_the_npu"), "--expect-activation", "leaky").output
    assert "the activation is not silu" in inspect(model_file("all_on_the_npu"), "--expect-activation", "silu").output


def test_a_memory_that_is_too_small_is_said(tmp_path: Path, model_file: ModelPath) -> None:
    profile = tmp_path / "small.toml"
    profile.write_text(
        'npu = "ethos-u55"\nmacs = 256\nclock_hz = 500000000\nsystem_config = "Ethos_U55_High_End_Embedded"\n'
        'memory_mode = "Shared_Sram"\n[budget.sram]\nbytes = 1000\nsource = "a small board"\n'
    )
    result = inspect(model_file("all_on_the_npu"), "--npu", profile)
    assert result.exit_code == 0
    assert "of sram, the platform has 1000 B: does not fit" in result.output
    assert "of off_chip_flash, for which the profile has no budget" in result.output


def test_an_older_vela_says_what_it_does_not_write(model_file: ModelPath, fake_vela: FakeVela) -> None:
    from tests.conversion.test_vela import REAL

    older = fake_vela(f'exec {REAL} "$@" --debug-force-legacy-core')
    result = inspect(model_file("cpu_in_the_middle"), "--npu", "ethos-u55-256", "--vela", older)
    assert result.exit_code == 0
    assert "Vela 4.2.0" in result.output
    assert "cycles unavailable" in result.output
    assert "no performance table" in result.output


def refused(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in ("error: ", *words):
        assert word in result.stderr


def test_garbage_is_refused_with_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "garbage.tflite"
    path.write_bytes(bytes(range(256)) * 4)
    refused(inspect(path), 1, "`garbage.tflite` is no TFLite file")


def test_a_missing_file_is_refused_with_exit_2(tmp_path: Path) -> None:
    refused(inspect(tmp_path / "gone.tflite"), 2, "gone.tflite` does not exist")


def test_an_unknown_profile_is_refused_with_exit_2(model_file: ModelPath) -> None:
    refused(inspect(model_file("all_on_the_npu"), "--npu", "ethos-u99"), 2, "unknown profile `ethos-u99`", "ethos-u65-256")


def test_a_missing_vela_is_refused_with_exit_3(model_file: ModelPath) -> None:
    refused(inspect(model_file("all_on_the_npu"), "--vela", "/no/such/vela"), 3, "/no/such/vela")


def test_a_float_input_is_a_finding_and_what_lies_behind_it_is_placed(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image", "FLOAT32", None)
    path = tmp_path / "float.tflite"
    path.write_bytes(model.finish([image], [model.conv(model.unary("QUANTIZE", image), 8)]))
    result = inspect(path, "--npu", "ethos-u55-128")
    assert "finding: has float32 input `image`: its conversion to and from integers runs on the CPU" in result.output
    assert "2 operators: 1 executed, 0 fused, 0 elided, 1 cpu" in result.output


def test_a_file_that_computes_in_floats_is_refused_with_its_reason(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image", "FLOAT32", None)
    path = tmp_path / "float.tflite"
    path.write_bytes(model.finish([image], [model.unary("RELU", image, dtype="FLOAT32", scale=None)]))
    refused(inspect(path), 1, "`float.tflite` has float32 input `image`: the NPU would run none of it", "int8 input and output")


def test_a_file_that_vela_has_compiled_already_is_refused(compiled_path: Path) -> None:
    refused(inspect(compiled_path), 1, "has been compiled by Vela already")


@pytest.fixture
def compiled_path(tmp_path: Path, model_file: ModelPath) -> Path:
    from conversion.profile_files import load_profile
    from conversion.vela import compile_model

    return compile_model(model_file("all_on_the_npu"), load_profile("ethos-u55-256"), tmp_path).compiled.path


@pytest.mark.data
class TestPublishedFiles:
    @pytest.mark.slow
    def test_the_older_generations_silu_is_found(self) -> None:
        result = inspect(real_model("published/older_level3_relu_full_integer_quant.tflite"))
        assert result.exit_code == 0
        assert "the activation is not relu: the graph's convolutions have 57 SILU" in result.output

    def test_the_hybrid_file_is_refused(self) -> None:
        refused(inspect(real_model("published/level2_leaky_int8.tflite")), 1, "has float32 input `images`", "hybrid")

    @pytest.mark.slow
    def test_a_model_that_is_too_large_for_the_platform_does_not_fit(self) -> None:
        result = inspect(real_model("published/level3_relu_full_integer_quant.tflite"), "--npu", "ethos-u55-256")
        assert "8.96 MiB of sram, the platform has 2.00 MiB: does not fit" in result.output


def test_a_file_that_the_npu_runs_nothing_of_has_no_latency_and_does_not_fit_anything(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image")
    path = tmp_path / "floor.tflite"
    path.write_bytes(model.finish([image], [model.unary("FLOOR", image)]))
    output = inspect(path, "--npu", "ethos-u55-128").output
    assert "latency     none: nothing of it runs on the NPU" in output
    assert " ms" not in output.split("suggestion")[0]
    assert "fits" not in output
    document = json.loads(inspect(path, "--npu", "ethos-u55-128", "--json").output)["profiles"][0]
    assert document["npu_estimated_us"] is None
    assert document["memory"] == {}


def test_work_on_the_cpu_leaves_no_estimate_of_the_whole(model_file: ModelPath) -> None:
    output = inspect(model_file("cpu_in_the_middle"), "--npu", "ethos-u55-128").output
    assert "latency     unknown: 1 of 5 operators run on the CPU, where Vela counts nothing; the NPU's part alone" in output
    document = json.loads(inspect(model_file("cpu_in_the_middle"), "--npu", "ethos-u55-128", "--json").output)["profiles"][0]
    assert document["estimated_us"] is None
    assert document["npu_estimated_us"] > 0


def test_names_cannot_move_the_cursor(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 8), "image\x1b[2J")
    path = tmp_path / "hostile.tflite"
    path.write_bytes(model.finish([image], [model.unary("FLOOR", model.conv(image, 8), "floor\x1b]0;title\x07\nnext")]))
    output = inspect(path, "--npu", "ethos-u55-128", "--all").output
    assert r"image\x1b[2J" in output
    assert r"floor\x1b]0;title\x07\nnext" in output
    assert not set(output) & {"\x1b", "\x07"}
