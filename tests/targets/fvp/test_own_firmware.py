"""A firmware of the user's own on engine `qemu`: several inferences and models, its log kept, no word of Arm's runner needed.

Covers targets.fvp.npu_work, targets.fvp.qemu_boot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conversion.profile_files import load_profile
from core.errors import RunError
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.run import Proof, Run
from targets.fvp.platforms import corstone
from targets.kinds import TargetOptions, open_target
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu
from tests.ethosu_simulator.toolchain import random_inputs, tflite_micro
from tests.targets.fvp import lane, own_firmware
from tests.targets.fvp.builders import artefact, log_of
from tests.targets.fvp.own_firmware import INFERENCE, OTHER, OWN, Program
from tests.targets.gdb import toolchain

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

PROFILE = "ethos-u55-128"


@pytest.fixture(scope="module")
def runner() -> Path:
    toolchain.require()
    return lane.require_firmware(load_profile(PROFILE))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return artefact(tmp_path_factory.mktemp("tiny") / "tiny.tflite", all_on_the_npu())


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Another model than the job's, with an input: 3 outputs channels instead of 16."""
    model = TinyModel()
    image = model.tensor((1, 8, 8, 4), "image")
    made = artefact(tmp_path_factory.mktemp("other") / "other.tflite", model.finish([image], [model.conv(image, 3, 3)]))
    return made.compilation.compiled.path.read_bytes(), random_inputs(made.source.path, 0)[0].tobytes()


def image_of(one: Artefact) -> NDArray[Any]:
    return random_inputs(one.source.path, 0)[0]


def run(one: Artefact, runner: Path, other: tuple[bytes, bytes], folder: Path, program: Program) -> Run:
    """The model on a firmware with that program."""
    own = own_firmware.linked(folder, runner, corstone(load_profile(PROFILE)), other, program)
    options = TargetOptions(threads=1, fvp_engine="qemu", fvp_firmware=own, fvp_seconds=120)
    with open_target("fvp", options) as target:
        return target.run(Job(one, (image_of(one),), 0))


def test_a_firmware_that_runs_two_models_gives_the_jobs_output_and_both_are_in_its_log(
    tiny: Artefact, runner: Path, other: tuple[bytes, bytes], tmp_path: Path
) -> None:
    found = run(tiny, runner, other, tmp_path, Program((OTHER, INFERENCE, OWN, INFERENCE, INFERENCE)))
    np.testing.assert_array_equal(found.outputs[0][0], tflite_micro(tiny.source.path, [image_of(tiny)])[0])
    inferences = log_of(found.log).inferences
    assert [one.output_bytes for one in inferences] == [8 * 8 * 3, 4096, 4096]
    assert [one.operators for one in inferences] == [("ethos-u",)] * 3
    assert all(one.counters() for one in inferences)
    assert any("ran the model 2 times and 1 streams of other models" in note for note in found.notes)
    assert isinstance(found.proof, Proof)
    assert found.proof.share == 1


def test_an_output_that_another_model_overwrote_is_no_result(
    tiny: Artefact, runner: Path, other: tuple[bytes, bytes], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="another inference's output was copied over its own"):
        run(tiny, runner, other, tmp_path, Program((INFERENCE, OTHER, INFERENCE)))


def test_a_firmware_that_runs_another_model_alone_proves_nothing_of_the_jobs(
    tiny: Artefact, runner: Path, other: tuple[bytes, bytes], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="gave the NPU 1 streams that are not those of the model"):
        run(tiny, runner, other, tmp_path, Program((OTHER, INFERENCE)))


def test_a_firmware_that_ends_with_a_status_has_failed(
    tiny: Artefact, runner: Path, other: tuple[bytes, bytes], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="the firmware ended with status 3"):
        run(tiny, runner, other, tmp_path, Program((INFERENCE,), status=3))


def test_a_firmware_that_says_nothing_is_proved_by_its_end_its_npu_and_its_output(
    tiny: Artefact, runner: Path, other: tuple[bytes, bytes], tmp_path: Path
) -> None:
    found = run(tiny, runner, other, tmp_path, Program((INFERENCE,), silent=True))
    assert found.log == ""
    np.testing.assert_array_equal(found.outputs[0][0], tflite_micro(tiny.source.path, [image_of(tiny)])[0])
    assert isinstance(found.proof, Proof)
