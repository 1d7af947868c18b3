"""Every promise of targets/target.py, held against every target of rows.py.

Covers targets.job_folder, targets.runner.micro_runner, targets.runner.tflite_runner.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.errors import RunError, UsageError
from core.records.artefact import Artefact, ModelFile
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.kinds import TARGETS, TargetOptions, open_target, preferred_vela
from targets.run_checks import run_checked
from targets.target import Target
from tests.contract.rows import PROFILE, ROWS, Row, plain
from tests.conversion.tflite_builder import TinyModel, all_on_the_npu

PATIENCE_S = 20.0
SLOW_SHAPE = (1, 64, 64, 128)


def two_outputs() -> bytes:
    """A graph whose outputs differ in shape and whose order in the file is neither alphabetic nor that of the operators."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image")
    first = model.conv(image, 16, 3, stride=2, name="zebra")
    second = model.conv(first, 4, 1, name="ant")
    return model.finish([image], [second, first])


def slow_model() -> bytes:
    """About a second of work for each inference, in an arena of a megabyte."""
    model = TinyModel()
    image = value = model.tensor(SLOW_SHAPE, "image")
    for _ in range(18):
        value = model.conv(value, SLOW_SHAPE[-1], 3)
    return model.finish([image], [value])


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(tmp_path_factory.mktemp("contract-cache")))
        yield


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return _artefact(tmp_path_factory.mktemp("two") / "two_outputs.tflite", two_outputs())


@pytest.fixture(params=[pytest.param(row, id=row.label or row.spec, marks=row.marks) for row in ROWS])
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    if reason := found.skip():
        pytest.skip(reason)
    return found


@pytest.fixture
def target(row: Row) -> Iterator[Target]:
    with open_target(row.spec, row.options()) as opened:
        yield opened


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary files go to, empty before the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def _artefact(path: Path, content: bytes) -> Artefact:
    path.write_bytes(content)
    made = compile_source(tflite_source(path), load_profile(PROFILE), VelaOptions(), lambda _: None)
    for row in ROWS:
        row.prepare(made)
    return made


def _image(seed: int) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, (1, 16, 16, 8), dtype=np.int8)


def _reference(artefact: Artefact, image: NDArray[np.int8]) -> list[NDArray[np.generic]]:
    interpreter = Interpreter(str(artefact.source.path), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}


def _broken(artefact: Artefact, path: Path, content: bytes = b"\x00\x00\x00\x00TFL3 and then nothing") -> Artefact:
    """The artefact with files that no runtime can run."""
    path.write_bytes(content)
    file = ModelFile(path, hashlib.sha256(content).hexdigest())
    return dataclasses.replace(artefact, source=file, compilation=dataclasses.replace(artefact.compilation, compiled=file))


def test_every_kind_of_target_is_held_to_the_contract() -> None:
    assert {row.spec.partition(":")[0] for row in ROWS} == set(TARGETS)


def test_a_target_has_the_name_it_was_asked_for_by_and_says_which_file_it_runs(target: Target, row: Row) -> None:
    assert target.name == row.spec
    assert target.graph == row.graph


def test_entering_a_target_gives_the_target_itself(row: Row) -> None:
    opened = open_target(row.spec, row.options())
    with opened as entered:
        assert entered is opened


def test_records_name_the_target_itself_unless_it_answers_in_the_place_of_a_board(target: Target, row: Row) -> None:
    assert target.recorded_as == ("ssh:native-test" if row.spec.startswith("replay:") else row.spec)


def test_a_target_names_the_same_engine_each_time_and_describes_it_in_one_line(target: Target) -> None:
    profile = load_profile(PROFILE)
    engine, line = target.engine(profile), target.describe(profile)
    assert target.engine(profile) == engine
    assert "\n" not in line
    assert f"engine {engine}" in line if engine else not line


def test_a_model_that_fits_has_no_shortfall_and_one_that_does_not_is_refused_where_it_must_fit(
    target: Target, artefact: Artefact
) -> None:
    assert target.shortfalls(artefact) == ()
    profile = artefact.compilation.profile
    assert profile.corstone
    corstone = dataclasses.replace(profile.corstone, output_bytes=1, model_bytes=1)
    budget = {area: dataclasses.replace(has, bytes=1) for area, has in profile.budget.items()}
    small = dataclasses.replace(profile, corstone=corstone, budget=budget)
    large = dataclasses.replace(artefact, compilation=dataclasses.replace(artefact.compilation, profile=small))
    assert target.shortfalls(large)
    if target.must_fit:
        with pytest.raises(RunError, match="does not fit"):
            target.run(Job(large, (_image(1),), repeats=0))


def test_any_vela_may_compile_for_a_target_that_asks_for_none(row: Row) -> None:
    assert preferred_vela(row.spec, row.options()) == ""


def test_a_new_kind_of_target_says_only_how_it_is_named_and_how_it_runs(artefact: Artefact) -> None:
    class Smallest(Target):
        name, graph = "smallest", "npu"

        @classmethod
        def from_spec(cls, rest: str, options: TargetOptions) -> Target:
            return cls()

        def run(self, job: Job) -> Run:
            raise RunError("nothing runs here")

    with Smallest.from_spec("", plain()) as target:
        assert target.recorded_as == "smallest"
        assert (target.engine(load_profile(PROFILE)), target.describe(load_profile(PROFILE))) == ("", "")
        assert target.shortfalls(artefact) == ()
        assert not target.must_fit
        assert not target.can_record


def test_each_input_gives_one_tuple_of_outputs_in_the_models_order_dtype_and_shape(target: Target, artefact: Artefact) -> None:
    images = (_image(1), _image(2), _image(3))
    run = target.run(Job(artefact, images, repeats=0))
    assert len(run.outputs) == len(images)
    for image, outputs in zip(images, run.outputs, strict=True):
        expected = _reference(artefact, image)
        assert [(output.shape, output.dtype) for output in outputs] == [(one.shape, one.dtype) for one in expected]
        for output, one in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(output.astype(int), one.astype(int), atol=1)
    assert not np.array_equal(run.outputs[0][0], run.outputs[1][0])


@pytest.mark.parametrize("repeats", [1, 7])
def test_there_are_exactly_as_many_samples_as_repeats_or_a_reason(target: Target, artefact: Artefact, repeats: int) -> None:
    run = run_checked(target, Job(artefact, (_image(1),), repeats))
    if isinstance(run.latency_us, Unavailable):
        assert run.latency_us.reason
    else:
        assert len(run.latency_us) == repeats
        assert all(sample > 0 for sample in run.latency_us)


def test_no_repeats_are_no_samples_with_a_reason(target: Target, artefact: Artefact) -> None:
    run = target.run(Job(artefact, (_image(1),), repeats=0))
    assert isinstance(run.latency_us, Unavailable)
    assert run.latency_us.reason


def test_evidence_is_what_really_ran(target: Target, row: Row, artefact: Artefact) -> None:
    run = run_checked(target, Job(artefact, (_image(1),), repeats=1))
    assert run.evidence in row.evidence
    assert run.target == target.name
    assert run.fingerprint
    if row.graph == "int8":
        assert isinstance(run.proof, Unavailable), "a target that runs the source file proves nothing about an NPU"
        assert isinstance(run.npu_time_share, Unavailable)


def test_executed_is_the_hash_of_the_file_that_ran(target: Target, row: Row, artefact: Artefact) -> None:
    run = target.run(Job(artefact, (_image(1),), repeats=0))
    file = artefact.source if row.graph == "int8" else artefact.compilation.compiled
    assert run.executed == hashlib.sha256(file.path.read_bytes()).hexdigest()


def test_a_file_that_was_changed_after_it_was_converted_is_refused(target: Target, artefact: Artefact, tmp_path: Path) -> None:
    changed = _broken(artefact, tmp_path / "changed.tflite", all_on_the_npu())
    other = hashlib.sha256(b"another file").hexdigest()
    lying = ModelFile(changed.source.path, other)
    job = Job(
        dataclasses.replace(changed, source=lying, compilation=dataclasses.replace(changed.compilation, compiled=lying)),
        (_image(1),),
        repeats=0,
    )
    with pytest.raises(RunError, match=r"changed\.tflite` has changed"):
        target.run(job)


def test_a_broken_model_is_refused_by_its_name(target: Target, artefact: Artefact, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"broken\.tflite"):
        target.run(Job(_broken(artefact, tmp_path / "broken.tflite"), (_image(1),), repeats=1))


def test_an_input_of_another_size_is_refused(target: Target, artefact: Artefact) -> None:
    with pytest.raises(RunError):
        target.run(Job(artefact, (np.zeros((1, 8, 8, 8), np.int8),), repeats=1))


def test_a_target_can_be_used_again_also_after_a_failure(target: Target, artefact: Artefact, tmp_path: Path) -> None:
    first = target.run(Job(artefact, (_image(1),), repeats=2))
    with pytest.raises(RunError):
        target.run(Job(_broken(artefact, tmp_path / "broken.tflite"), (_image(1),), repeats=1))
    second = target.run(Job(artefact, (_image(1),), repeats=2))
    np.testing.assert_array_equal(first.outputs[0][0], second.outputs[0][0])
    assert first.fingerprint == second.fingerprint


def test_nothing_is_left_behind_whether_it_works_or_fails(
    row: Row, artefact: Artefact, temporary: Path, tmp_path: Path
) -> None:
    before = _children()
    with open_target(row.spec, row.options()) as target:
        target.run(Job(artefact, (_image(1),), repeats=2))
        with pytest.raises(RunError):
            target.run(Job(_broken(artefact, tmp_path / "broken.tflite"), (_image(1),), repeats=1))
    assert list(temporary.iterdir()) == []
    assert _children() <= before


def test_ctrl_c_ends_the_work_at_once_and_leaves_nothing(row: Row, temporary: Path, tmp_path: Path) -> None:
    if row.instant:
        pytest.skip(f"{row.spec} answers at once")
    before = _children()
    long = _artefact(tmp_path / "slow.tflite", slow_model())
    image = np.zeros(SLOW_SHAPE, np.int8)
    watcher = threading.Thread(target=_interrupt_when_working, args=(before, 5 if row.children else 0))
    images = (image,) * (1 if row.children else 3000)  # without a clock to loop for, images keep a target busy
    with open_target(row.spec, row.options()) as target:
        watcher.start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            target.run(Job(long, images, repeats=1_000_000))
        watcher.join()
    assert time.monotonic() - started < PATIENCE_S
    assert _children() <= before
    assert list(temporary.iterdir()) == []


def _interrupt_when_working(before: set[int], patience_s: float) -> None:
    """Press Ctrl-C half a second after a child of the target exists, or after `patience_s` without one."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not _children() - before:
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_child_that_crashes_is_an_error_and_no_result(row: Row, temporary: Path, tmp_path: Path) -> None:
    if not row.children:
        pytest.skip(f"{row.spec} has no child process here")
    before = _children()
    long = _artefact(tmp_path / "slow.tflite", slow_model())
    killer = threading.Thread(target=_kill_newcomers, args=(before,))
    with open_target(row.spec, row.options()) as target:
        killer.start()
        with pytest.raises(RunError, match="slow"):
            target.run(Job(long, (np.zeros(SLOW_SHAPE, np.int8),), repeats=1_000_000))
        killer.join()
    assert list(temporary.iterdir()) == []


def _kill_newcomers(before: set[int]) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not _children() - before:
        time.sleep(0.05)
    time.sleep(0.3)
    for pid in _children() - before:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSEGV)


def test_a_target_that_nobody_knows_is_a_usage_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown target `flying-saucer:1`") as caught:
        open_target("flying-saucer:1", plain())
    assert all(kind in caught.value.expected for kind in TARGETS)


def test_a_full_disk_under_the_temporary_folder_names_the_folder_and_the_way_out(
    row: Row, artefact: Artefact, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not row.children:
        pytest.skip(f"{row.spec} writes no job files here")
    from core.errors import StorageError

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with (
        open_target(row.spec, row.options()) as target,
        pytest.raises(StorageError, match=f"{temporary}.*No space left") as caught,
    ):
        target.run(Job(artefact, (_image(1),), repeats=1))
    assert "TMPDIR=" in caught.value.hint
