"""Arm's own firmware on an emulated Cortex-M55: everything of the engine `arm` but the NPU, for real.

No NPU executes here, so no run proves anything of one, and none may be called simulated-fvp.

Covers targets.fvp.model_file, targets.fvp.npu_device, targets.fvp.npu_registers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from conversion.profile_files import load_profile
from core.errors import RunError
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.fvp import arm
from targets.fvp.firmware import arena_bytes, packaged_firmware
from targets.fvp.fit import needs
from targets.fvp.platforms import PLATFORMS, corstone, platform_of
from targets.fvp.target import Fvp
from targets.kinds import TargetOptions
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu
from tests.targets.fvp import lane
from tests.targets.fvp.builders import artefact, log_of
from tests.targets.fvp.test_fit import wide

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

PROFILE = "ethos-u55-128"
TINY_SHAPE = (1, 16, 16, 8)


@pytest.fixture(scope="module", autouse=True)
def _lane() -> None:
    lane.require()
    lane.require_firmware(load_profile(PROFILE))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return artefact(tmp_path_factory.mktemp("tiny") / "tiny.tflite", all_on_the_npu())


@pytest.fixture
def mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Sets what the stand-in does; leaves no process and no temporary file behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield monkeypatch
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def run(one: Artefact, folder: Path, images: tuple[NDArray[np.int8], ...], *, seconds: int = 120) -> Run:
    """A run of the engine `arm` whose FVP is the stand-in, which takes the model's plain int8 file."""
    profile = one.compilation.profile
    folder.mkdir(exist_ok=True)
    executable = lane.stand_in(folder, platform_of(profile, "").binaries[0])
    options = TargetOptions(threads=1, fvp_engine="arm", fvp=executable, fvp_seconds=seconds)
    with Fvp.from_spec("", options) as target:
        return target.run(Job(one, images, 0))


def images(count: int, shape: tuple[int, ...] = TINY_SHAPE) -> tuple[NDArray[np.int8], ...]:
    return tuple(np.random.default_rng(seed).integers(-128, 128, shape, dtype=np.int8) for seed in range(count))


def micro(path: Path, image: NDArray[np.int8]) -> list[NDArray[Any]]:
    """TFLite Micro's reference kernels."""
    interpreter = runtime.Interpreter.from_file(str(path), arena_size=16 << 20)
    interpreter.set_input(image, 0)
    interpreter.invoke()
    return [interpreter.get_output(0)]


def test_arms_unmodified_runner_boots_and_stops_at_its_npu(tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    mode.setenv("STAND_IN_MODE", "unpatched")
    with pytest.raises(RunError, match=r"the firmware finds no NPU: .*Failed to initialise Ethos-U device"):
        run(tiny, tmp_path, images(1))


def test_outputs_are_those_of_tflite_micro_for_each_of_several_inputs(
    tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    given = images(3)
    found = run(tiny, tmp_path, given)
    for image, outputs in zip(given, found.outputs, strict=True):
        np.testing.assert_array_equal(outputs[0], micro(tiny.source.path, image)[0])


def test_one_changed_output_byte_is_a_difference(tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    mode.setenv("STAND_IN_MODE", "wrong-byte")
    (image,) = images(1)
    found = run(tiny, tmp_path, (image,))
    assert np.count_nonzero(found.outputs[0][0] != micro(tiny.source.path, image)[0]) == 1


def test_a_run_without_an_npu_proves_nothing_and_is_never_called_simulated_fvp(
    tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    found = run(tiny, tmp_path, images(1))
    log = log_of(found.log)
    with capsys.disabled():
        print(f"\nfrom the firmware's log: {log.counters()}, arena {log.arena_used_bytes} bytes")  # noqa: T201  # the lane shows it
    assert isinstance(found.proof, Unavailable)
    assert "this was no FVP with an NPU" in found.proof.reason
    assert isinstance(found.npu_time_share, Unavailable)
    assert found.evidence is Evidence.HOST
    assert found.counters == {}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("half-log", "the log ends before the inference is complete"),
        ("licence", "asks about its licence"),
        ("unknown-parameter", "does not know a parameter"),
        ("quiet-failure", "ended with 0 all the same"),
        ("no-dump", "the FVP dumped 0 bytes of output"),
    ],
)
def test_each_way_to_fail_has_its_own_error(
    how: str, words: str, tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    mode.setenv("STAND_IN_MODE", how)
    with pytest.raises(RunError, match=words):
        run(tiny, tmp_path, images(1))


def test_a_hang_is_ended_after_the_time_that_was_given(tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    mode.setenv("STAND_IN_MODE", "hang")
    mode.setattr(arm, "GRACE_S", 1)
    started = time.monotonic()
    with pytest.raises(RunError, match=r"ended after 4 s without a result; last: .*Allocating tensors"):
        run(tiny, tmp_path, images(1), seconds=4)
    assert time.monotonic() - started < 15


def test_lines_are_heard_while_the_firmware_runs(tiny: Artefact, mode: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mode.setenv("STAND_IN_MODEL", str(tiny.source.path))
    heard: list[tuple[float, str]] = []
    executable = lane.stand_in(tmp_path, platform_of(load_profile(PROFILE), "").binaries[0])
    options = TargetOptions(
        threads=1, fvp_engine="arm", fvp=executable, progress=lambda text: heard.append((time.monotonic(), text))
    )
    with Fvp.from_spec("", options) as target:
        target.run(Job(tiny, images(1), 0))
    assert heard[-1][0] - heard[0][0] > 0.1, "all lines came at once"


@pytest.mark.parametrize("profile", ["ethos-u55-128", "ethos-u65-256"])
def test_what_the_file_says_it_needs_is_what_the_firmware_asks_for(
    profile: str, mode: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The firmware plans the compiled file's arena itself, and gets no further: no NPU answers the first operator."""
    lane.require_firmware(load_profile(profile))
    mode.setattr(arm, "GRACE_S", 1)
    mode.setattr(arm, "shortfalls", lambda *_: ())
    for side, fits in ((96, True), (224, False)):
        one = artefact(tmp_path / f"wide{side}.tflite", wide(side), profile)
        mode.setenv("STAND_IN_MODEL", str(one.compilation.compiled.path))
        heard: list[str] = []
        with pytest.raises(RunError, match="without a result" if fits else "it needs .* MiB of arena") as caught:
            _listen(one, tmp_path, heard)
        need = needs(one.compilation).arena
        if fits:
            used = next(int(line.rsplit(" ", 1)[1]) for line in heard if "arena) size used" in line)
            assert used <= need <= used + 2000
        else:
            assert f"needs {need / 2**20:.2f} MiB" in caught.value.found


def _listen(one: Artefact, folder: Path, heard: list[str]) -> None:
    executable = lane.stand_in(folder, platform_of(one.compilation.profile, "").binaries[0])
    options = TargetOptions(threads=1, fvp_engine="arm", fvp=executable, fvp_seconds=3, progress=heard.append)
    with Fvp.from_spec("", options) as target:
        target.run(Job(one, images(1, one_shape(one)), 0))


def one_shape(one: Artefact) -> tuple[int, ...]:
    side = int(one.source.path.stem.removeprefix("wide"))
    return (1, side, side, 32)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda one: f"{one.name}-{one.npu}")
def test_the_arena_in_the_profiles_is_that_of_the_firmware(platform: Any) -> None:
    profile = load_profile(
        {"ethos-u55": "ethos-u55-128", "ethos-u65": "ethos-u65-256", "ethos-u85": "ethos-u85-256"}[platform.npu]
    )
    assert arena_bytes(packaged_firmware(platform).path) == corstone(profile).arena_bytes


def test_a_model_of_two_outputs_gives_both_in_the_models_order(mode: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor(TINY_SHAPE, "image")
    first = model.conv(image, 16, 3, stride=2, name="zebra")
    second = model.conv(first, 4, 1, name="ant")
    one = artefact(tmp_path / "two.tflite", model.finish([image], [second, first]))
    mode.setenv("STAND_IN_MODEL", str(one.source.path))
    found = run(one, tmp_path / "fvp", images(1))
    interpreter = runtime.Interpreter.from_file(str(one.source.path), arena_size=1 << 20)
    interpreter.set_input(images(1)[0], 0)
    interpreter.invoke()
    for number, output in enumerate(found.outputs[0]):
        np.testing.assert_array_equal(output, interpreter.get_output(number))
