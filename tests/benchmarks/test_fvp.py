"""`pytest benchmarks/ --target fvp`: the engine is named everywhere, and what does not fit is a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversion.profile_files import load_profile
from targets.fvp.platforms import platform_of
from tests.benchmarks import tiny
from tests.benchmarks.conftest import RunSuite
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu
from tests.targets.fvp import lane

NPU = "ethos-u55-128"


def large() -> bytes:
    """A convolution whose feature maps need 3 MiB."""
    model = TinyModel()
    image = model.tensor((1, 224, 224, 32), "image")
    return model.finish([image], [model.conv(image, 32, 3)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "mine.tflite"
    path.write_bytes(tiny.detector())
    return path


def test_the_simulator_alone_runs_when_asked_and_every_record_names_the_engine(run_suite: RunSuite, model: Path) -> None:
    run = run_suite(
        "--target", "fvp", "--fvp-engine", "open", "--npu", NPU, "--npu", "ethos-u85-256", "--model", model, "--images", "2",
        HOME="/nowhere",
    )  # fmt: skip
    assert run.code == 0, run.output
    run.says("engine open, our simulator: as asked", "fvp (open)")
    for record in run.results["records"]:
        assert record["identity"]["options"]["engine"] == "open", record
        assert record["evidence"] != "simulated-fvp"
    assert run.record("bit_exact")["evidence"] == "simulated-open"
    assert run.value("bit_exact", profile=NPU) is True
    assert run.value("bit_exact", profile="ethos-u85-256") is True
    assert run.record("bit_exact", profile=NPU)["identity"]["target"]["platform"] == "SSE-300"


@pytest.mark.qemu
@pytest.mark.slow
def test_without_an_fvp_the_firmware_runs_on_qemu_where_qemu_has_the_platform(
    run_suite: RunSuite, model: Path, tmp_path: Path
) -> None:
    lane.require()
    lane.require_firmware(load_profile(NPU))
    run = run_suite("--target", "fvp", "--npu", NPU, "--npu", "ethos-u85-256", "--model", model, "--images", "2", HOME=tmp_path)
    assert run.code == 0, run.output
    run.says(
        f"{NPU} on Corstone SSE-300: engine qemu, QEMU", "no FVP_Corstone_SSE-300_Ethos-U55 found", "fvp (qemu)",
        "ethos-u85-256 on Corstone SSE-320: engine open, our simulator: no FVP_Corstone_SSE-320 found",
        "QEMU has no machine for Corstone SSE-320 with an ethos-u85", "fvp (open)",
    )  # fmt: skip
    for record in run.results["records"]:
        assert record["identity"]["options"]["engine"] == ("qemu" if record["profile"] == NPU else "open"), record
        assert record["evidence"] != "simulated-fvp"
    assert run.value("bit_exact", profile=NPU) is True
    assert run.record("npu_executed_share", profile=NPU)["evidence"] == "simulated-open"
    assert run.record("npu_time_share", profile=NPU)["unavailable"]
    assert run.record("bit_exact", profile=NPU)["identity"]["target"]["firmware"].startswith("PyPI mlia-ethos-u")


@pytest.mark.slow
def test_a_model_that_does_not_fit_is_a_result_and_is_not_run(run_suite: RunSuite, tmp_path: Path) -> None:
    path = tmp_path / "large.tflite"
    path.write_bytes(large())
    run = run_suite("--target", "fvp", "--fvp-engine", "open", "--npu", NPU, "--model", path)
    assert run.code == 0, run.output
    fits = run.record("fits")
    assert fits["value"] is False
    assert "needs 3.07 MiB, the runner's arena has 2.00 MiB" in fits["note"]
    assert run.record("fitting_imgsz")["unavailable"] == "a quantised file has one size"
    for metric in ("latency_us", "npu_executed_share", "npu_time_share", "bit_exact", "bit_exact_images"):
        assert run.record(metric)["unavailable"].startswith("does not fit: needs 3.07 MiB")
    run.says("large does not fit ethos-u55-128")


def test_a_forced_engine_that_is_not_there_ends_the_session_with_every_place(run_suite: RunSuite, model: Path) -> None:
    run = run_suite("--target", "fvp", "--fvp-engine", "arm", "--npu", NPU, "--model", model, ETHOS_BENCH_FVP="/some/where")
    assert run.code == 3
    run.says(
        "no Arm FVP for ethos-u55-128", "ETHOS_BENCH_FVP: /some/where", "/opt/VHT", "ethos-bench fvp install --accept-eula"
    )


@pytest.mark.slow
def test_a_forced_engine_that_is_not_there_can_be_skipped(run_suite: RunSuite, model: Path) -> None:
    run = run_suite("--target", "fvp", "--fvp-engine", "arm", "--npu", NPU, "--model", model, "--allow-missing-target")
    assert run.code == 0, run.output
    assert "passed" not in run.output.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "fvp:sse-999"), "unknown platform in target `fvp:sse-999`"),
        (("--target", "fvp:sse-320"), "SSE-320 does not carry ethos-u55-128"),
        (("--target", "fvp", "--fvp-firmware", "nowhere.axf"), "--fvp-firmware `nowhere.axf` does not exist"),
        (("--target", "fvp", "--fvp-seconds", "0"), "--fvp-seconds 0"),
        (("--imgsz", "biggest"), "or `auto`"),
    ],
)
def test_what_no_session_could_do_is_a_usage_error(
    options: tuple[str, ...], words: str, run_suite: RunSuite, model: Path
) -> None:
    run = run_suite(*options, "--npu", NPU, "--model", model)
    assert run.code == 4
    run.says(words)


@pytest.mark.qemu
@pytest.mark.slow
def test_a_firmware_that_ran_without_an_npu_fails_the_run(run_suite: RunSuite, tmp_path: Path) -> None:
    """Its bytes are right and its firmware is Arm's; but no NPU executed, and that is what a run has to prove."""
    lane.require()
    path = tmp_path / "tiny.tflite"
    path.write_bytes(all_on_the_npu())
    stand_in = lane.stand_in(tmp_path, platform_of(load_profile(NPU), "").binaries[0])
    options = ("--target", "fvp", "--npu", NPU, "--model", path, "--images", "2", "--fvp", stand_in)
    run = run_suite(*options, STAND_IN_MODEL=str(path))
    assert run.code == 1
    run.says("no proof that the NPU executed: no NPU told the driver its size", "engine arm")
    assert not [record for record in run.results["records"] if record["evidence"] == "simulated-fvp"]
    assert "Inference completed." in (run.folder / "logs" / f"tiny-{NPU}-fvp.log").read_text()


@pytest.mark.qemu
@pytest.mark.slow
def test_a_hang_of_the_fvp_fails_the_run_and_names_the_option(run_suite: RunSuite, tmp_path: Path) -> None:
    lane.require()
    path = tmp_path / "tiny.tflite"
    path.write_bytes(all_on_the_npu())
    stand_in = lane.stand_in(tmp_path, platform_of(load_profile(NPU), "").binaries[0])
    options = ("--target", "fvp", "--npu", NPU, "--model", path, "--images", "1", "--fvp", stand_in, "--fvp-seconds", "3")
    run = run_suite(*options, STAND_IN_MODEL=str(path), STAND_IN_MODE="hang")
    assert run.code == 1
    run.says("was ended after 3 s without a result", "--fvp-seconds")
