"""The commands: what they write, what they say, and their exit codes.

Covers harness.cli.__main__, harness.cli.convert, harness.cli.export_onnx, harness.cli.failing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from core.installation import install_line
from harness.cli import doctor, main
from tests.benchmarks import tiny
from tests.checkout import CHECKOUT
from tests.conftest import CONVERTED_SIZE


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_help_lists_the_commands_and_says_where_the_suite_is() -> None:
    result = command("--help")
    assert result.exit_code == 0
    assert all(name in result.output for name in ("convert", "doctor", "export-onnx", "inspect", "ethos-bench run"))


def test_the_command_is_installed() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ethos-bench"), "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "0." in done.stdout


# --- doctor ---


def test_doctor_exits_0_when_the_main_job_can_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "FREE_BYTES", 0)
    result = command("doctor")
    assert result.exit_code == 0, result.output
    assert "Vela: 5.2.0 at " in result.output
    assert "profile ethos-u65-256: " in result.output
    assert f"cache: {tmp_path}" in result.output


def test_doctor_names_a_missing_package_and_the_command_that_fixes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CORE", ("numpy", "no-such-package"))
    result = command("doctor")
    assert result.exit_code == 1
    assert "missing  no-such-package: not installed" in result.output
    assert f"fix: {install_line()}" in result.output


def test_doctor_does_not_mind_that_the_extra_for_checkpoints_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"convert": ("no-such-package",)})
    monkeypatch.setattr(doctor, "FREE_BYTES", 0)
    result = command("doctor")
    assert result.exit_code == 0, result.output
    assert "no-such-package (extra `convert`: needed for checkpoints): not installed" in result.output
    assert f"fix: {install_line('convert')}" in result.output


def test_doctor_names_a_missing_vela_and_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(doctor, "FREE_BYTES", 10**18)
    result = command("doctor")
    assert result.exit_code == 1
    assert "missing  Vela" in result.output
    assert "fix: " in result.output
    assert "broken  cache" in result.output
    assert "fix: ETHOS_BENCH_CACHE=/path/with/space" in result.output


def test_doctor_names_a_broken_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "profile_names", lambda: ["ethos-u99"])
    result = command("doctor")
    assert result.exit_code == 1
    assert "broken  profile ethos-u99: unknown profile" in result.output


# --- convert and export-onnx ---


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["convert", "--checkpoint", "nowhere.pt", "--calibration", "data.yaml"], 1, "nowhere.pt` does not exist"),
        (["convert", "--checkpoint", "x.pt", "--calibration", "d.yaml", "--npu", "u99"], 2, "unknown profile `u99`"),
        (["convert", "--checkpoint", "x.pt", "--calibration", "d.yaml", "--recipe", "mine"], 2, "'mine'"),
        (["convert", "--checkpoint", "x.pt"], 2, "--calibration"),
        (["export-onnx", "--input", "nowhere.pt", "--output", "x.onnx"], 1, "nowhere.pt` does not exist"),
        (["export-onnx", "--input", "nowhere.pt"], 2, "--output"),
        (["paint"], 2, "paint"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_exit_code(arguments: list[str], code: int, words: str) -> None:
    result = command(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.convert
@pytest.mark.slow
def test_export_onnx_writes_a_graph_that_computes_what_torch_computes(
    conversion_cache: Path, seeded_checkpoint: Path, tmp_path: Path
) -> None:
    import onnxruntime
    import torch

    from conversion.checkpoint import fused, load_checkpoint
    from conversion.export import RawHead

    output = tmp_path / "new folder" / "model.onnx"
    result = command("export-onnx", "--input", seeded_checkpoint, "--output", output)
    assert result.exit_code == 0, result.output
    assert f"{CONVERTED_SIZE} px, 15 classes, leaky" in result.output
    image = np.random.default_rng(5).random((1, 3, CONVERTED_SIZE, CONVERTED_SIZE), np.float32)
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = RawHead(fused(load_checkpoint(seeded_checkpoint))).eval()(torch.from_numpy(image))
    for one, other in zip(session.run(None, {"images": image}), expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-4)


@pytest.mark.convert
@pytest.mark.slow
def test_convert_writes_the_int8_file_and_one_compiled_file_for_each_profile(
    conversion_cache: Path, seeded_checkpoint: Path, tmp_path: Path
) -> None:
    data = tiny.write_data(tmp_path / "data")
    profiles = ("--npu", "ethos-u65-256", "--npu", "ethos-u55-128")
    options = ("--recipe", "fast", "--images", "2", "--output", tmp_path / "out", *profiles)
    result = command("convert", "--checkpoint", seeded_checkpoint, "--calibration", data, *options)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "mine_ethos-u55-128_vela.tflite",
        "mine_ethos-u65-256_vela.tflite",
        "mine_float.tflite",
        "mine_int8.tflite",
    ]
    assert "ethos-u65-256: 100.0 % of operators on the NPU" in result.output


@pytest.mark.convert
@pytest.mark.slow
def test_convert_without_calibration_images_names_the_data_and_the_way_out(
    conversion_cache: Path, seeded_checkpoint: Path, tmp_path: Path
) -> None:
    data = tiny.write_data(tmp_path / "data")
    result = command("convert", "--checkpoint", seeded_checkpoint, "--calibration", data, "--images", "0")
    assert result.exit_code == 1
    assert "0 calibration images of" in result.output
    (tmp_path / "data/train/images/1.png").write_text("this is no image")
    # as a process of its own: where ultralytics is imported, Pillow answers differently
    started = ["-c", "from harness.cli import main; main()", "convert", "--checkpoint", str(seeded_checkpoint)]
    done = subprocess.run(
        [sys.executable, *started, "--calibration", str(data)], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert done.returncode == 1
    assert "1.png` is no readable image" in done.stderr
    assert "Traceback" not in done.stderr
