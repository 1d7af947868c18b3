"""Arm's unmodified firmware on QEMU, our NPU behind its driver: the model's bytes, the firmware's words, each fault said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from conversion.profile_files import load_profile
from core.errors import RunError
from core.files import sha256
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Proof, Run
from ethosu_simulator import container
from ethosu_simulator.command_stream import parse_payload
from ethosu_simulator.timing import estimate
from targets.fvp.firmware import packaged_firmware
from targets.fvp.npu_streams import StreamCache
from targets.fvp.platforms import platform_of
from targets.fvp.qemu import QemuCorstone
from targets.fvp.qemu_machine import QEMU
from targets.kinds import TargetOptions, open_target
from tests.conversion.real_data import real_model
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu
from tests.ethosu_simulator.toolchain import random_inputs, tflite_micro
from tests.targets.fvp import lane
from tests.targets.fvp.builders import artefact, log_of

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

PROFILE = "ethos-u55-128"
NETWORKS = [
    (network, profile)
    for profile in ("ethos-u55-128", "ethos-u55-256", "ethos-u65-256")
    for network in ("kws_micronet_m", "ad01_int8", "vww_96_int8", "pretrainedResnet_quant")
] + [("kws_micronet_m", "ethos-u65-512")]


@pytest.fixture(scope="module", autouse=True)
def _lane() -> None:
    lane.require()
    lane.require_firmware(load_profile(PROFILE))


@pytest.fixture(scope="module")
def streams() -> StreamCache:
    return StreamCache()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return artefact(tmp_path_factory.mktemp("tiny") / "tiny.tflite", all_on_the_npu())


def engine(
    profile: str, streams: StreamCache, limit_s: int = 120, progress: Callable[[str], None] = lambda _: None
) -> QemuCorstone:
    platform, executable = platform_of(load_profile(profile), ""), shutil.which(QEMU)
    assert executable
    return QemuCorstone(platform, executable, packaged_firmware(platform), limit_s, progress, streams)


def run(one: Artefact, images: list[NDArray[Any]], streams: StreamCache, limit_s: int = 120) -> Run:
    """A run that leaves no process behind, whatever comes of it."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    try:
        return engine(one.compilation.profile.name, streams, limit_s).run(Job(one, tuple(images), 0), "fvp")
    finally:
        assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def require_equal(one: Artefact, found: Run, images: list[NDArray[Any]]) -> None:
    for image, outputs in zip(images, found.outputs, strict=True):
        for ours, theirs in zip(outputs, tflite_micro(one.source.path, [image]), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def images_of(one: Artefact, count: int) -> list[NDArray[Any]]:
    return [random_inputs(one.source.path, seed)[0] for seed in range(count)]


@pytest.fixture(scope="module")
def found(tiny: Artefact, streams: StreamCache) -> Run:
    """A run of three images."""
    return run(tiny, images_of(tiny, 3), streams)


def test_the_firmware_boots_calls_the_npu_and_gives_the_bytes_of_tflite_micro(tiny: Artefact, found: Run) -> None:
    require_equal(tiny, found, images_of(tiny, 3))
    assert isinstance(found.proof, Proof)
    assert found.proof.share == 1
    assert "register accesses of the firmware's driver" in found.proof.sign
    assert found.evidence is Evidence.SIMULATED_OPEN
    assert found.fingerprint["engine"] == "qemu"
    assert found.executed == tiny.compilation.compiled.sha256


def test_the_firmwares_own_log_and_metrics_are_read(found: Run) -> None:
    log = log_of(found.log).inferences[0]
    assert log.completed
    assert not log.errors
    assert log.macs == 128
    assert log.operators == ("ethos-u",)
    assert found.counters == {}, "estimates were passed on as counters"


def test_the_pmu_answers_the_cycle_models_figures_and_the_note_calls_them_estimates(tiny: Artefact, found: Run) -> None:
    expected = estimate(tiny.compilation.compiled.path)
    assert log_of(found.log).inferences[0].counters() == {
        "active_cycles": expected.active_cycles,
        "idle_cycles": 0,
        "total_cycles": expected.active_cycles,
        **{f"{port}_beats": beats for port, beats in expected.beats.items()},
    }
    assert any("are estimates of the open cycle model (memory mlek)" in note for note in found.notes)


def test_the_pmu_answers_0_where_the_cycle_model_refuses_and_the_note_says_why(tiny: Artefact, streams: StreamCache) -> None:
    profile = replace(tiny.compilation.profile, timing_memory="moon")
    found = run(replace(tiny, compilation=replace(tiny.compilation, profile=profile)), images_of(tiny, 1), streams)
    assert set(log_of(found.log).counters().values()) == {0}
    assert any("counters answer 0: the cycle model refuses" in note and "moon" in note for note in found.notes)


def test_what_fits_is_said_by_the_firmwares_own_allocator_beside_the_computed_sum(found: Run) -> None:
    used = log_of(found.log).arena_used_bytes
    note = next(note for note in found.notes if note.startswith("arena:"))
    assert f"own allocator uses {used} bytes" in note
    computed = int(note.rsplit(" ", 1)[1])
    assert used <= computed <= used + 2000


@pytest.mark.data
@pytest.mark.parametrize(("network", "profile"), NETWORKS)
def test_known_networks_give_the_bytes_of_tflite_micro(
    network: str, profile: str, streams: StreamCache, tmp_path: Path
) -> None:
    one = artefact(tmp_path / f"{network}.tflite", real_model(f"tiny/{network}.tflite").read_bytes(), profile)
    images = images_of(one, 1)
    require_equal(one, run(one, images, streams), images)


@pytest.mark.parametrize("boots", [20, pytest.param(200, marks=pytest.mark.nightly)])
def test_boot_after_boot_ends_and_gives_the_same_bytes(boots: int, tiny: Artefact, streams: StreamCache) -> None:
    (image,) = images_of(tiny, 1)
    found = run(tiny, [image] * boots, streams, limit_s=60)
    assert len({outputs[0].tobytes() for outputs in found.outputs}) == 1


@pytest.mark.parametrize("profile", ["ethos-u55-128", "ethos-u65-256"])
def test_corstone_310s_firmware_runs_too_on_a_processor_that_calls_itself_its_own(profile: str, tmp_path: Path) -> None:
    one = artefact(tmp_path / "tiny.tflite", all_on_the_npu(), profile)
    images = images_of(one, 1)
    with open_target("fvp:sse-310", TargetOptions(threads=1, fvp_engine="qemu", fvp_seconds=120)) as target:
        assert "a Cortex-M55 called 0x410fd231" in target.describe(load_profile(profile))
        found = target.run(Job(one, tuple(images), 0))
    require_equal(one, found, images)
    assert "Corstone-310" in found.log
    assert "CPU: Cortex-M85" in found.log
    assert found.fingerprint["platform"] == "SSE-310"


def rows_turned_between_convolutions() -> bytes:
    """CONV_2D, a GATHER of rows that the U55 has not, CONV_2D."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    rows = model.constant(np.arange(16, dtype=np.int32)[::-1].copy())
    options = schema.GatherOptionsT()
    options.axis = 1
    turned = model.operator("GATHER", [model.conv(image, 16, 3), rows], [model.tensor((1, 16, 16, 16), "turned")], options)
    return model.finish([image], [model.conv(turned, 8, 3, name="last")])


def test_operators_left_to_the_cpu_run_as_the_firmwares_kernels_on_the_emulated_processor(
    streams: StreamCache, tmp_path: Path
) -> None:
    one = artefact(tmp_path / "island.tflite", rows_turned_between_convolutions())
    images = images_of(one, 2)
    found = run(one, images, streams)
    require_equal(one, found, images)
    assert isinstance(found.proof, Proof)
    assert 0 < found.proof.share < 1
    assert log_of(found.log).operators.count("ethos-u") == 2 * len(images)
    whole = estimate(one.compilation.compiled.path).active_cycles
    assert [abs(part.counters()["active_cycles"] - whole) <= 1 for part in log_of(found.log).inferences] == [True, True]


def test_a_model_of_two_outputs_gives_both_in_the_models_order(streams: StreamCache, tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    first = model.conv(image, 16, 3, stride=2, name="zebra")
    second = model.conv(first, 4, 1, name="ant")
    one = artefact(tmp_path / "two.tflite", model.finish([image], [second, first]))
    images = images_of(one, 1)
    require_equal(one, run(one, images, streams), images)


def damaged(one: Artefact, folder: Path, change: Callable[[bytearray, int], None]) -> Artefact:
    """The artefact with a compiled file that was changed at the start of its command stream, its hash with it."""
    compiled = one.compilation.compiled
    content = bytearray(compiled.path.read_bytes())
    parsed = container.parse(bytes(content))
    payload = parse_payload(parsed.tensors[parsed.operators[0].inputs[0]].data)
    change(content, content.index(np.array(payload.words, "<u4").tobytes()))
    path = folder / compiled.path.name
    path.write_bytes(content)
    return replace(
        one, compilation=replace(one.compilation, compiled=replace(compiled, path=path, sha256=sha256(bytes(content))))
    )


def test_a_changed_byte_of_the_stream_is_an_error_of_the_npu_and_the_driver_says_so(
    tiny: Artefact, streams: StreamCache, tmp_path: Path
) -> None:
    def change(content: bytearray, start: int) -> None:
        content[start + 4] ^= 0xFF

    with pytest.raises(RunError, match=r"the NPU did not finish: .*; the firmware says: .*(Invoke|inference) failed"):
        run(damaged(tiny, tmp_path, change), images_of(tiny, 1), streams)


def test_a_region_that_is_not_there_is_a_bus_error_and_the_driver_says_so(
    tiny: Artefact, streams: StreamCache, tmp_path: Path
) -> None:
    def far_away(content: bytearray, start: int) -> None:
        at = content.index(bytes.fromhex("0040"), start)  # SET_IFM_BASE0
        assert int.from_bytes(content[at : at + 2], "little") == 0x4000
        content[at + 4 : at + 8] = (0xF000_0000).to_bytes(4, "little")

    with pytest.raises(RunError, match=r"the NPU did not finish: .*; the firmware says: "):
        run(damaged(tiny, tmp_path, far_away), images_of(tiny, 1), streams)


def test_a_model_for_another_number_of_macs_is_refused_by_the_driver(tiny: Artefact, streams: StreamCache) -> None:
    other = replace(tiny, compilation=replace(tiny.compilation, profile=load_profile("ethos-u55-256")))
    with pytest.raises(RunError, match=r"the driver refuses `tiny`, which is compiled for ethos-u55-128: .*Invoke failed"):
        run(other, images_of(tiny, 1), streams)


def test_a_start_that_takes_too_long_is_ended_with_the_last_words(tiny: Artefact, streams: StreamCache) -> None:
    with pytest.raises(RunError, match="QEMU was ended after 0 s without a result"):
        run(tiny, images_of(tiny, 1), streams, limit_s=0)


def test_lines_are_heard_while_the_firmware_runs(tiny: Artefact, streams: StreamCache) -> None:
    heard: list[str] = []
    engine(PROFILE, streams, progress=heard.append).run(Job(tiny, tuple(images_of(tiny, 1)), 0), "fvp")
    assert any("Initialising Ethos-U device" in line or "Ethos-U" in line for line in heard)
    assert len(heard) > 2
